#include "daemon/os/spawn.h"
#include "daemon/os/spawn_stage.h"
#include "tests/support/catch.h"

#include <errno.h>

using namespace procctl;

TEST_CASE("a failed step is described with its name, its reason and what to look for", "[spawn_stage]")
{
    spawn_request r;
    r.argv = {"/opt/x"};
    r.candidates = {"/opt/x"};
    r.working_directory = "/srv/app";
    identity who;
    who.uid = 33;
    who.gid = 33;
    who.user = "www";
    who.changes_user = true;

    CHECK(describe_failure(r, spawn_stage::exec, ENOENT) ==
          "cannot execute /opt/x: No such file or directory; if the file is there, what is missing is the "
          "interpreter that its first line names after #!, or the loader of its shared libraries");
    CHECK(describe_failure(r, spawn_stage::exec, EACCES) ==
          "cannot execute /opt/x: Permission denied; the file must be executable, and each folder above it "
          "searchable, for the daemon's user, on a file system that is not mounted noexec");
    r.who = &who;
    CHECK(describe_failure(r, spawn_stage::exec, EACCES).find("for user www,") != std::string::npos);
    CHECK(describe_failure(r, spawn_stage::exec, EIO) == "cannot execute /opt/x: Input/output error");
    CHECK(describe_failure(r, spawn_stage::chdir, ENOENT) ==
          "cannot change to the working directory /srv/app: No such file or directory");
    CHECK(describe_failure(r, spawn_stage::user, EPERM) ==
          "cannot change to user www: Operation not permitted; only a daemon that runs as root can change "
          "users");
    CHECK(describe_failure(r, spawn_stage::group, EINVAL) == "cannot change to group 33: Invalid argument");

    r.argv = {"worker"};
    r.candidates = {"/usr/bin/worker", "/bin/worker"};
    CHECK(describe_failure(r, spawn_stage::exec, ENOENT) ==
          "cannot execute worker: No such file or directory; it is in none of the folders of PATH");
}

TEST_CASE("every stage has a text and an exit status of systemd's", "[spawn_stage]")
{
    for (int i = 1; i <= static_cast<int>(spawn_stage::exec); ++i) {
        const auto stage = static_cast<spawn_stage>(i);
        CAPTURE(i);
        CHECK(to_text(stage).starts_with("cannot "));
        CHECK(
            (stage == spawn_stage::umask || (exit_status_of(stage) >= 200 && exit_status_of(stage) <= 243)));
    }
}
