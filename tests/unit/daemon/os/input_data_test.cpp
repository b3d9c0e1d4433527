#include "daemon/os/input_data.h"
#include "tests/support/catch.h"

#include <array>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace procctl;

namespace {

std::string read_all(int fd)
{
    std::string text;
    std::array<char, 4096> some;
    for (ssize_t size = 0; (size = ::read(fd, some.data(), some.size())) > 0;)
        text.append(some.data(), static_cast<std::size_t>(size));
    return text;
}

} // namespace

TEST_CASE("data for standard input is there from its beginning, and then ends", "[input_data]")
{
    std::string large(std::size_t{3} << 20U, 'x'); // no pipe would take it
    large.back() = '\n';
    for (const std::string& text :
         {std::string(), std::string("one\ntwo"), std::string("\0\xff", 2), large}) {
        CAPTURE(text.size());
        const auto input = make_input(text);
        REQUIRE(input);
        CHECK(read_all(input->get()) == text);
        CHECK((::fcntl(input->get(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(input->get(), F_GETFL) & O_NONBLOCK) == 0);
    }
}

TEST_CASE("two starts do not take each other's input", "[input_data]")
{
    const auto first = make_input("abc");
    const auto second = make_input("abc");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(read_all(first->get()) == "abc");
    CHECK(read_all(second->get()) == "abc");
}

TEST_CASE("nobody can change the data of standard input", "[input_data]")
{
    const auto input = make_input("abc");
    REQUIRE(input);
    CHECK(::write(input->get(), "x", 1) < 0);
    CHECK(::fcntl(input->get(), F_GET_SEALS) >= (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
    const std::string path = "/proc/self/fd/" + std::to_string(input->get());
    const unique_fd again(::open(path.c_str(), O_RDWR | O_CLOEXEC)); // root may; another user may not
    if (!again) return;
    CHECK(::write(again.get(), "x", 1) < 0);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(again.get(), 0) != 0);
    CHECK(read_all(input->get()) == "abc");
}
