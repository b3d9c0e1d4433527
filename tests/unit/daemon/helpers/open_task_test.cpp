// Files are opened for real, by a helper, as what a program would find as its 0, 1 and 2.
#include "daemon/helpers/open_task.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/helpers/helper_loop.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

using outcome = std::variant<opened_files, open_failure>;

input_choice from(std::string path) { return {input_kind::file, std::move(path)}; }
output_choice to(std::string path, output_kind kind = output_kind::file) { return {kind, std::move(path)}; }

outcome open(const stream_choices& choices)
{
    answers a;
    const auto token = a.runner.fetch(open_task(choices), 60s, a.keep_delivery());
    a.run_until(1);
    a.run_until_reaped();
    return take_opened_files(choices, std::move(a.deliveries[0]));
}

opened_files open_all(const stream_choices& choices)
{
    auto opened = open(choices);
    if (const auto* failure = std::get_if<open_failure>(&opened)) FAIL(failure->sentence);
    return std::get<opened_files>(std::move(opened));
}

open_failure fail_to_open(const stream_choices& choices)
{
    auto opened = open(choices);
    REQUIRE(std::holds_alternative<open_failure>(opened));
    return std::get<open_failure>(std::move(opened));
}

std::string text_of(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(int fd, std::string_view text)
{
    REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string read(int fd)
{
    std::array<char, 100> text;
    const ssize_t size = ::read(fd, text.data(), text.size());
    REQUIRE(size >= 0);
    return {text.data(), static_cast<std::size_t>(size)};
}

unsigned mode_of(const std::string& path)
{
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
}

unique_fd listen_at(const std::string& path, int type)
{
    unique_fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

} // namespace

TEST_CASE("each way of opening a file", "[open_task]")
{
    const scratch_folder folder;
    const auto path = folder.file("out", "before");
    const auto [kind, text] = GENERATE(table<output_kind, std::string>(
        {{output_kind::file, "newore"}, {output_kind::append, "beforenew"}, {output_kind::truncate, "new"}}));
    CAPTURE(to_text(kind));
    const auto opened = open_all({.standard_output = to(path, kind)});
    CHECK(opened.standard[0] == -1);
    CHECK(opened.standard[2] == -1);
    write(opened.standard[1], "new");
    CHECK(text_of(path) == text);
    CHECK((::fcntl(opened.standard[1], F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == O_WRONLY);
    CHECK((::fcntl(opened.standard[1], F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a file that is not there is made, with the program's umask", "[open_task]")
{
    const scratch_folder folder;
    for (const auto& [umask, mode] :
         {std::pair(0022U, 0644U), std::pair(0U, 0666U), std::pair(0077U, 0600U)}) {
        const auto path = folder / std::to_string(umask);
        const auto opened = open_all({.standard_error = to(path), .umask = umask});
        CHECK(opened.standard[2] >= 0);
        CHECK(mode_of(path) == mode);
    }
}

TEST_CASE("streams of one file share its position", "[open_task]")
{
    const scratch_folder folder;
    SECTION("output and error")
    {
        const auto path = folder / "out";
        const auto opened = open_all({.standard_output = to(path), .standard_error = to(path)});
        write(opened.standard[1], "one");
        write(opened.standard[2], "two");
        CHECK(text_of(path) == "onetwo");
    }
    SECTION("input and output")
    {
        const auto path = folder.file("both", "question?");
        const auto opened = open_all({.standard_input = from(path), .standard_output = to(path)});
        CHECK(read(opened.standard[0]) == "question?");
        write(opened.standard[1], "answer");
        CHECK(text_of(path) == "question?answer");
    }
    SECTION("two starts do not")
    {
        const auto path = folder.file("in", "text");
        const auto first = open_all({.standard_input = from(path)});
        const auto second = open_all({.standard_input = from(path)});
        CHECK(read(first.standard[0]) == "text");
        CHECK(read(second.standard[0]) == "text");
        CHECK((::fcntl(first.standard[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
    }
}

TEST_CASE("a FIFO waits for its other end", "[open_task]")
{
    const scratch_folder folder;
    const auto path = folder / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const stream_choices choices{.standard_output = to(path)};
    answers a;
    std::vector<helper_runner::watch_token> tokens;
    for (int n = 0; n < 20; ++n) // more than the 16 that may do something else
        tokens.push_back(a.runner.fetch(open_task(choices), infinity, a.keep_delivery()));

    SECTION("which comes")
    {
        tokens.resize(1);
        const unique_fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        a.run_until(1);
        a.run_until_reaped();
        const auto opened = take_opened_files(choices, std::move(a.deliveries[0]));
        REQUIRE(std::holds_alternative<opened_files>(opened));
        const int output = std::get<opened_files>(opened).standard[1];
        CHECK((::fcntl(output, F_GETFL) & O_NONBLOCK) == 0);
        write(output, "hello");
        CHECK(read(reader.get()) == "hello");
    }
    SECTION("and is called off")
    {
        tokens.clear();
        a.run_until_reaped();
        CHECK(a.deliveries.empty());
    }
    SECTION("not longer than it may")
    {
        tokens.clear();
        const auto token = a.runner.fetch(open_task(choices), 20ms, a.keep_delivery());
        a.run_until(1);
        const auto opened = take_opened_files(choices, std::move(a.deliveries[0]));
        REQUIRE(std::holds_alternative<open_failure>(opened));
        const auto& failure = std::get<open_failure>(opened);
        CHECK(failure.stage == spawn_stage::standard_output);
        CHECK(failure.sentence == "cannot open standard output " + path + ": a helper took longer than 20ms");
        a.run_until_reaped();
    }
}

TEST_CASE("a stream socket is connected to", "[open_task]")
{
    const scratch_folder folder;
    // Longer than an address may be; bound from within.
    std::filesystem::path inner = folder.path();
    while (inner.string().size() < 200)
        inner /= std::string(30, 'x');
    std::filesystem::create_directories(inner);
    const auto link = folder / "inner";
    std::filesystem::create_directory_symlink(inner, link);
    const auto listener = listen_at(link + "/socket", SOCK_STREAM);
    const std::string path = inner / "socket";

    SECTION("for writing")
    {
        const auto opened = open_all({.standard_output = to(path)});
        const unique_fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        write(opened.standard[1], "hello");
        CHECK(read(peer.get()) == "hello");
        CHECK(read(opened.standard[1]).empty()); // that direction is shut
    }
    SECTION("for both")
    {
        const auto opened = open_all({.standard_input = from(path), .standard_output = to(path)});
        const unique_fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        write(peer.get(), "question?");
        CHECK(read(opened.standard[0]) == "question?");
        write(opened.standard[1], "answer");
        CHECK(read(peer.get()) == "answer");
    }
}

TEST_CASE("what cannot be opened says which stream it is, and why", "[open_task]")
{
    const scratch_folder folder;
    SECTION("no such input")
    {
        const auto failure = fail_to_open({.standard_input = from(folder / "in")});
        CHECK(failure.stage == spawn_stage::standard_input);
        CHECK(failure.errno_value == ENOENT);
        CHECK(failure.sentence ==
              "cannot open standard input " + (folder / "in") + ": No such file or directory");
    }
    SECTION("no folder; what comes after it is left alone")
    {
        const auto kept = folder.file("kept", "kept");
        const auto failure = fail_to_open({.standard_input = from(kept),
                                           .standard_output = to(folder / "missing/out"),
                                           .standard_error = to(kept, output_kind::truncate)});
        CHECK(failure.stage == spawn_stage::standard_output);
        CHECK(failure.sentence == "cannot open standard output " + (folder / "missing/out") +
                                      ": No such file or directory; its folder must exist");
        CHECK_FALSE(std::filesystem::exists(folder / "missing"));
        CHECK(text_of(kept) == "kept");
    }
    SECTION("a folder")
    {
        const auto failure = fail_to_open({.standard_error = to(folder.path())});
        CHECK(failure.stage == spawn_stage::standard_error);
        CHECK(failure.errno_value == EISDIR);
    }
    SECTION("a file of somebody else's")
    {
        const auto path = folder.file("out", "", 0);
        const auto user = ::geteuid();
        if (user == 0) REQUIRE(::seteuid(65534) == 0); // root may open anything
        const auto failure = fail_to_open({.standard_output = to(path)});
        REQUIRE(::seteuid(user) == 0);
        CHECK(failure.stage == spawn_stage::standard_output);
        CHECK(failure.errno_value == EACCES);
        CHECK(failure.sentence == "cannot open standard output " + path + ": Permission denied");
    }
    SECTION("a socket where nobody listens")
    {
        const auto path = folder / "socket";
        {
            const auto gone = listen_at(path, SOCK_STREAM);
        }
        const auto failure = fail_to_open({.standard_output = to(path)});
        CHECK(failure.errno_value == ECONNREFUSED);
        CHECK(failure.sentence.ends_with("; nobody listens at this socket"));
    }
    SECTION("a socket for datagrams")
    {
        const auto socket = listen_at(folder / "socket", SOCK_DGRAM);
        CHECK(fail_to_open({.standard_output = to(folder / "socket")}).errno_value == EPROTOTYPE);
    }
}

TEST_CASE("a helper whose answer is none is a failure of the first stream", "[open_task]")
{
    const stream_choices choices{.standard_output = to("/b"), .standard_error = to("/c")};
    for (const char* text :
         {"", "{}", "[]", "7", R"({"opened":2})", R"({"opened":-1,"errno":2})", R"({"opened":2,"errno":0})",
          R"({"opened":2,"errno":2})", R"({"opened":0,"errno":-2})", R"({"opened":1,"errno":99999999999})"}) {
        CAPTURE(text);
        auto opened = take_opened_files(choices, helper_delivery{.text = text, .descriptors = {}});
        REQUIRE(std::holds_alternative<open_failure>(opened));
        const auto& failure = std::get<open_failure>(opened);
        CHECK(failure.stage == spawn_stage::standard_output);
        CHECK(failure.errno_value == 0);
        CHECK(failure.sentence.starts_with("cannot open standard output /b: "));
    }
}
