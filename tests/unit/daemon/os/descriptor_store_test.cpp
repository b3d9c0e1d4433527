#include "daemon/os/descriptor_store.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

constexpr std::size_t many = 1000;

struct pipe_ends {
    unique_fd reader;
    unique_fd writer;
};

pipe_ends make_pipe()
{
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

unique_fd copy_of(const unique_fd& fd)
{
    unique_fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    REQUIRE(copy);
    return copy;
}

template <class... Fds> std::vector<unique_fd> list(Fds... fds)
{
    std::vector<unique_fd> all;
    (all.push_back(std::move(fds)), ...);
    return all;
}

std::vector<std::string> names(descriptor_store& store)
{
    std::vector<std::string> all;
    for (const auto& e : store.entries())
        all.push_back(e.name);
    return all;
}

std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

using words = std::vector<std::string>;

} // namespace

TEST_CASE("the last descriptor stored comes first", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    CHECK(store.is_empty());
    const auto first = make_pipe();
    const auto second = make_pipe();
    CHECK(store.add(list(copy_of(first.reader), copy_of(first.writer)), "a", true, many).kept == 2);
    CHECK(store.add(list(copy_of(second.writer)), "b", true, many).kept == 1);
    CHECK(names(store) == words{"b", "a", "a"});

    const auto stored = store.entries();
    CHECK(::write(stored[1].descriptor, "x", 1) == 1); // of the first message, the descriptor sent last
    char got = 0;
    CHECK(::read(stored[2].descriptor, &got, 1) == 1);
    CHECK(got == 'x');
    CHECK((::fcntl(stored[0].descriptor, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the same open file is stored once", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    const scratch_folder folder;
    const auto path = folder.file("data", "text");
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto added = store.add(list(copy_of(file), copy_of(file)), "a", true, many);
    CHECK(added.kept == 1);
    CHECK(added.duplicate == 1);
    CHECK(store.add(list(copy_of(file)), "another name", true, many).duplicate == 1);
    CHECK(names(store) == words{"a"});

    // Another open file of the same inode is another file, and so are the ends of a pipe, and event counters.
    CHECK(store.add(list(unique_fd(::open(path.c_str(), O_RDWR | O_CLOEXEC))), "b", true, many).kept == 1);
    const auto ends = make_pipe();
    CHECK(store.add(list(copy_of(ends.reader), copy_of(ends.writer)), "c", true, many).kept == 2);
    CHECK(store
              .add(list(unique_fd(::eventfd(0, EFD_CLOEXEC)), unique_fd(::eventfd(0, EFD_CLOEXEC))), "d",
                   true, many)
              .kept == 2);
}

TEST_CASE("beyond the maximum nothing is stored, or leaks", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    const auto ends = make_pipe();
    const auto more = make_pipe();
    REQUIRE(store.add(list(copy_of(ends.reader)), "a", false, 2).kept == 1);
    const std::size_t before = open_descriptors();
    const auto added =
        store.add(list(copy_of(ends.writer), copy_of(more.reader), copy_of(more.writer)), "b", false, 2);
    CHECK(added.kept == 1);
    CHECK(added.refused == 2);
    CHECK(open_descriptors() == before + 1);
    CHECK(names(store) == words{"b", "a"});
    CHECK(store.add(list(copy_of(more.reader)), "c", true, 0).refused == 1);
}

TEST_CASE("descriptors are removed by name", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    const auto a = make_pipe();
    const auto b = make_pipe();
    const std::size_t before = open_descriptors();
    store.add(list(copy_of(a.reader)), "x", false, many);
    store.add(list(copy_of(b.reader)), "y", false, many);
    store.add(list(copy_of(a.writer)), "x", false, many);
    CHECK(store.remove("x") == 2);
    CHECK(store.remove("x") == 0);
    CHECK(names(store) == words{"y"});
    CHECK(open_descriptors() == before + 1);
    store.clear();
    CHECK(store.is_empty());
    CHECK(open_descriptors() == before);
}

TEST_CASE("what hangs up is dropped, if it is polled", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    auto polled = make_pipe();
    auto kept = make_pipe();
    const auto quiet = make_pipe();
    store.add(list(std::move(polled.reader)), "polled", true, many);
    store.add(list(std::move(kept.reader)), "not polled", false, many);
    store.add(list(copy_of(quiet.reader)), "open yet", true, many);
    REQUIRE(::write(quiet.writer.get(), "x", 1) == 1); // no hang-up
    io.poll();
    CHECK(names(store).size() == 3);

    polled.writer.reset();
    kept.writer.reset();
    SECTION("at once, by the loop")
    {
        const std::size_t before = open_descriptors();
        io.poll();
        CHECK(open_descriptors() == before - 1);
    }
    SECTION("or when they are handed out") { CHECK(names(store) == words{"open yet", "not polled"}); }
    CHECK(names(store) == words{"open yet", "not polled"});
}

TEST_CASE("the wake-ups go on, and end with the store", "[descriptor_store]")
{
    boost::asio::io_context io;
    auto store = std::make_unique<descriptor_store>(io);
    std::vector<pipe_ends> pipes;
    for (int n = 0; n < 200; ++n) {
        pipes.push_back(make_pipe());
        REQUIRE(store->add(list(std::move(pipes.back().reader)), "a", true, many).kept == 1);
    }
    const std::size_t before = open_descriptors();
    pipes.erase(pipes.begin(), pipes.begin() + 150);
    io.poll();
    CHECK(open_descriptors() == before - 300);
    pipes.clear();
    CHECK_FALSE(store->is_empty()); // nobody has looked yet
    SECTION("the store is there")
    {
        io.poll();
        CHECK(store->is_empty());
    }
    SECTION("it has been moved")
    {
        descriptor_store other = std::move(*store);
        io.poll();
        CHECK(other.is_empty());
    }
    SECTION("it is gone")
    {
        store.reset();
        io.poll();
        CHECK(open_descriptors() == before - 401); // 150 pipes, the other 50, and the epoll
    }
}

TEST_CASE("a descriptor that was removed is watched no more, though the program has its file",
          "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    auto ends = make_pipe();
    REQUIRE(store.add(list(copy_of(ends.reader)), "a", true, many).kept == 1);
    REQUIRE(store.remove("a") == 1);
    REQUIRE(store.add(list(copy_of(ends.reader)), "b", false, many).kept == 1);
    ends.writer.reset(); // `reader` has hung up
    io.poll();
    CHECK(names(store) == words{"b"});
}

TEST_CASE("what cannot be polled is stored", "[descriptor_store]")
{
    boost::asio::io_context io;
    descriptor_store store(io);
    const scratch_folder folder;
    const auto path = folder.file("data", "text");
    CHECK(store
              .add(list(unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
                        unique_fd(::open(path.c_str(), O_PATH | O_CLOEXEC)),
                        unique_fd(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC))),
                   "files", true, many)
              .kept == 3);
    io.poll();
    CHECK(names(store) == words{"files", "files", "files"});
}
