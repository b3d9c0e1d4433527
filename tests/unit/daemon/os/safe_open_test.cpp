#include "daemon/os/safe_open.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace procctl;
using tests::scratch_folder;

namespace {

constexpr uid_t stranger = 65534;
constexpr int to_write = O_WRONLY | O_CREAT | O_CLOEXEC;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

int errno_of(const std::string& path, int flags = to_write)
{
    const safely_opened file = open_safely(path, flags, 0600);
    CHECK(bool(file.fd) == (file.errno_value == 0));
    return file.errno_value;
}

void link_by(uid_t owner, const std::string& target, const std::string& path)
{
    REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    REQUIRE(::lchown(path.c_str(), owner, owner) == 0);
}

} // namespace

TEST_CASE("a file is opened, or made, wherever links of our own lead", "[safe_open]")
{
    const scratch_folder folder;
    REQUIRE(::mkdir((folder / "real").c_str(), 0700) == 0);
    REQUIRE(::symlink("real", (folder / "folder").c_str()) == 0);
    REQUIRE(::symlink("folder//./file", (folder / "link").c_str()) == 0);
    const safely_opened made = open_safely(folder / "link", to_write, 0640);
    CHECK(made.is_new);
    CHECK(exists(folder / "real/file"));
    const safely_opened again = open_safely(folder / "folder/../link", to_write, 0640);
    CHECK(again.fd);
    CHECK_FALSE(again.is_new);
    CHECK(errno_of("/dev/fd/2", O_WRONLY) == 0);
    CHECK(errno_of("/proc/self/cwd/.", O_RDONLY) == 0);
}

TEST_CASE("what cannot be opened has the errno of open(2)", "[safe_open]")
{
    const scratch_folder folder;
    REQUIRE(::symlink("loop", (folder / "loop").c_str()) == 0);
    folder.file("file", "");
    CHECK(errno_of(folder / "loop") == ELOOP);
    CHECK(errno_of(folder / "loop/file") == ELOOP);
    CHECK(errno_of(folder / "file/below") == ENOTDIR);
    CHECK(errno_of(folder / "missing/file") == ENOENT);
    CHECK(errno_of(folder / "missing", O_RDONLY) == ENOENT);
    CHECK(errno_of(folder.path()) == EISDIR);
    CHECK(errno_of("") == ENOENT);
}

TEST_CASE("another user's link leads to what is his, and to nothing else", "[safe_open]")
{
    if (::geteuid() != 0) {
        WARN("not root: cannot give files to another user");
        SUCCEED();
        return;
    }
    const scratch_folder folder;
    const std::string his = folder / "his";
    REQUIRE(::mkdir(his.c_str(), 0755) == 0);
    REQUIRE(::chown(his.c_str(), stranger, stranger) == 0);
    const std::string secret = folder.file("secret", "root's");

    SECTION("not to a file of root's")
    {
        link_by(stranger, secret, his + "/log");
        CHECK(errno_of(his + "/log") == EACCES);
        CHECK(errno_of(his + "/log", O_PATH) == EACCES);
    }
    SECTION("not to one that would be made in a folder of root's")
    {
        link_by(stranger, folder / "new", his + "/log");
        CHECK(errno_of(his + "/log") == EACCES);
        CHECK_FALSE(exists(folder / "new"));
    }
    SECTION("not by way of a folder, and not by one of root's links")
    {
        link_by(stranger, "..", his + "/logs");
        CHECK(errno_of(his + "/logs/new") == EACCES);
        CHECK(errno_of(his + "/logs/secret") == EACCES);
        link_by(0, "his/logs/secret", folder / "entry");
        CHECK(errno_of(folder / "entry") == EACCES);
    }
    SECTION("not by another name of root's file")
    {
        REQUIRE(::link(secret.c_str(), (his + "/log").c_str()) == 0);
        CHECK(errno_of(his + "/log") == EACCES);
    }
    SECTION("to files of his own, in folders of his own")
    {
        link_by(stranger, "new", his + "/log");
        CHECK(errno_of(his + "/log") == 0);
        CHECK(exists(his + "/new"));
        const std::string mine = folder.file("mine", "");
        REQUIRE(::chown(mine.c_str(), stranger, stranger) == 0);
        link_by(stranger, mine, his + "/mine");
        CHECK(errno_of(his + "/mine") == 0);
    }
    SECTION("to a device that harms nobody")
    {
        link_by(stranger, "/dev/null", his + "/log");
        CHECK(errno_of(his + "/log") == 0);
    }
    SECTION("and root's own link leads to what he has")
    {
        link_by(0, "his/file", folder / "log");
        CHECK(errno_of(folder / "log") == 0);
        CHECK(exists(his + "/file"));
    }
}
