#include "ctl/socket_path.h"
#include "tests/support/catch.h"

using namespace procctl::ctl;

namespace {

socket_choice choose(const options& wish, const environment& env, bool own_exists)
{
    return choose_socket(wish, env, [=](const std::string&) { return own_exists; });
}

const environment root{.uid = 0, .procctl_socket = "", .xdg_runtime_dir = ""};
const environment alice{.uid = 1000, .procctl_socket = "", .xdg_runtime_dir = "/run/user/1000"};
constexpr const char* system_one = "/run/procctl/procctl.sock";
constexpr const char* alices = "/run/user/1000/procctl/procctl.sock";

} // namespace

TEST_CASE("root takes the system's socket, others their own if it is there", "[socket_path]")
{
    CHECK(choose({}, root, true).path == system_one);
    CHECK(choose({}, alice, true).path == alices);
    const socket_choice fallback = choose({}, alice, false);
    CHECK(fallback.path == system_one);
    CHECK(fallback.looked_for == std::vector<std::string>{alices});
}

TEST_CASE("what is named wins", "[socket_path]")
{
    environment env = alice;
    env.procctl_socket = "/from/env";
    CHECK(choose({}, env, true).path == "/from/env");
    CHECK(choose({.socket = "/named"}, env, true).path == "/named");
    CHECK(choose({.user = true}, env, false).path == alices);
    CHECK(choose({.system = true}, env, true).path == system_one);
}

TEST_CASE("without $XDG_RUNTIME_DIR the usual place is looked at", "[socket_path]")
{
    environment env = alice;
    env.xdg_runtime_dir.clear();
    CHECK(choose({.user = true}, env, true).path == alices);
}
