#include "daemon/os/spawn.h"
#include "daemon/os/state_lock.h"
#include "tests/support/catch.h"
#include "tests/support/children/children.h"
#include "tests/support/scratch_folder.h"

#include <optional>

#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

TEST_CASE("a state folder has one daemon", "[state_lock]")
{
    const scratch_folder folder;
    auto first = state_lock::acquire(folder.path());
    REQUIRE(first.has_value());

    const auto second = state_lock::acquire(folder.path());
    REQUIRE(second.has_error());
    CHECK(second.error().message() ==
          "another procctld (pid " + std::to_string(::getpid()) + ") uses " + folder.path());

    SECTION("until it ends")
    {
        std::optional<state_lock> held(std::move(*first));
        held.reset();
        CHECK(state_lock::acquire(folder.path()).has_value());
    }
    SECTION("whose programs do not hold the lock when it has died")
    {
        auto input = make_pipe();
        spawn_request request;
        request.argv = request.candidates = {child_path("await_eof")};
        request.standard_input = input.read.get();
        const auto program = spawn(request);
        REQUIRE(program.has_value());
        {
            const state_lock held(std::move(*first));
        }
        CHECK(state_lock::acquire(folder.path()).has_value());
        input.read.reset();
        input.write.reset();
        ::waitid(P_PID, static_cast<id_t>(program->pid), nullptr, WEXITED);
    }
}

TEST_CASE("a lock file left behind by a daemon that died does not matter", "[state_lock]")
{
    const scratch_folder folder;
    folder.file("lock", "12345678\n");
    REQUIRE(state_lock::acquire(folder.path()).has_value());
}

TEST_CASE("a holder that has not written its pid yet is named without", "[state_lock]")
{
    const scratch_folder folder;
    const auto held = state_lock::acquire(folder.path());
    folder.file("lock", "");
    CHECK(state_lock::acquire(folder.path()).error().message() == "another procctld uses " + folder.path());
}

TEST_CASE("a state folder that is missing is an error", "[state_lock]")
{
    CHECK(state_lock::acquire("/no/such/folder").error().message() ==
          "cannot open /no/such/folder/lock: No such file or directory");
}
