#include "daemon/os/folders.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <sys/stat.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

mode_t mode_of(const std::string& path)
{
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
}

} // namespace

TEST_CASE("folders are made with all above them, and those that exist are left alone", "[folders]")
{
    const scratch_folder scratch;
    REQUIRE(make_folders(scratch / "a/b/c").has_value());
    CHECK(mode_of(scratch / "a") == 0750);
    CHECK(mode_of(scratch / "a/b/c") == 0750);
    CHECK(mode_of(scratch.path()) == 0755);
    CHECK(make_folders(scratch / "a/b/c", 0700).has_value());
    CHECK(mode_of(scratch / "a/b/c") == 0750);
    CHECK(make_folders(scratch / "a//d/./e/").has_value());
    CHECK(mode_of(scratch / "a/d/e") == 0750);
    CHECK(make_folders("/").has_value());
}

TEST_CASE("what cannot be made is named", "[folders]")
{
    const scratch_folder scratch;
    const auto file = scratch.file("file", "");
    CHECK(make_folders(file).error().message() == "cannot make the folder " + file + ": Not a directory");
    CHECK(make_folders(file + "/below").error().message() ==
          "cannot make the folder " + file + ": Not a directory");
    CHECK(make_folders("/proc/no/such").error().message() ==
          "cannot make the folder /proc/no: No such file or directory");
    CHECK(make_folders("").has_error());
}
