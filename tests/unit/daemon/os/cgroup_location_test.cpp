#include "daemon/os/cgroup_location.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

using locations = std::vector<cgroup_location>;

const std::string modern =
    "23 28 0:21 / /proc rw,nosuid - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
                           "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
                           "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

} // namespace

TEST_CASE("the control group of a process", "[cgroup_location]")
{
    CHECK(parse_cgroup("0::/system.slice/x.service\n") == "/system.slice/x.service");
    CHECK(parse_cgroup("9:name=systemd:/a\n1:cpu:/b\n0::/c\n") == "/c");
    CHECK(parse_cgroup("0::/with:colon") == "/with:colon");
    CHECK(parse_cgroup("0::/gone (deleted)\n") == "/gone (deleted)");
    CHECK(parse_cgroup("1:cpu:/b\n").empty());
    CHECK(parse_cgroup("").empty());
    CHECK(parse_cgroup("0::").empty());
}

TEST_CASE("where a control group is mounted", "[cgroup_location]")
{
    CHECK(find_cgroup("/a/b", modern) == locations{{"/a/b", "/sys/fs/cgroup/a/b"}});
    CHECK(find_cgroup("/", modern) == locations{{"/", "/sys/fs/cgroup"}});
    CHECK(find_cgroup("/", hybrid) == locations{{"/", "/sys/fs/cgroup/unified"}});
    CHECK(find_cgroup("/a", "").empty());
    CHECK(find_cgroup("", modern).empty());
    CHECK(find_cgroup("/a", "nonsense - cgroup2 \n\n - \n") == locations{});
}

TEST_CASE("a mount that shows a part of the tree", "[cgroup_location]")
{
    const std::string part = "30 23 0:26 /docker/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    CHECK(find_cgroup("/docker/c1", part) == locations{{"/docker/c1", "/sys/fs/cgroup"}});
    CHECK(find_cgroup("/docker/c1/x", part) == locations{{"/docker/c1/x", "/sys/fs/cgroup/x"}});
    CHECK(find_cgroup("/docker/c12", part).empty());
    CHECK(find_cgroup("/docker", part).empty());
    CHECK(find_cgroup("/docker/c1", part + modern) ==
          locations{{"/docker/c1", "/sys/fs/cgroup"}, {"/docker/c1", "/sys/fs/cgroup/docker/c1"}});
}

TEST_CASE("what lies outside of the cgroup namespace is not found", "[cgroup_location]")
{
    CHECK(find_cgroup("/../other", modern).empty());
    CHECK(find_cgroup("/x", "30 23 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n").empty());
}

TEST_CASE("a mount point with a space in its name", "[cgroup_location]")
{
    CHECK(find_cgroup("/a", "30 23 0:26 / /my\\040groups\\134 rw - cgroup2 c rw\n") ==
          locations{{"/a", "/my groups\\/a"}});
}
