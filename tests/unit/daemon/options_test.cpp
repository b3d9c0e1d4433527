#include "daemon/options.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

daemon_command parse(std::vector<const char*> words, bool is_root = true)
{
    words.insert(words.begin(), "procctld");
    return parse_daemon_options(static_cast<int>(words.size()), words.data(), is_root);
}

} // namespace

TEST_CASE("without options the daemon runs for the system as root, for the user otherwise", "[options]")
{
    CHECK(std::get<run_command>(parse({})).request.where == scope::system);
    CHECK(std::get<run_command>(parse({}, false)).request.where == scope::user);
    CHECK(std::get<run_command>(parse({"--user"})).request.where == scope::user);
    CHECK(std::get<run_command>(parse({"--system"}, false)).request.where == scope::system);
}

TEST_CASE("only the option check takes files", "[options]")
{
    const auto check = std::get<check_command>(parse({"--check", "--config", "a.yaml", "b.yaml", "c.yaml"}));
    CHECK(check.request.settings_file == "a.yaml");
    CHECK(check.request.files == std::vector<std::string>{"b.yaml", "c.yaml"});
    CHECK(std::holds_alternative<usage_error>(parse({"b.yaml"})));
}

TEST_CASE("contradictions and unknown options are usage errors", "[options]")
{
    CHECK(std::holds_alternative<usage_error>(parse({"--user", "--system"})));
    CHECK(std::holds_alternative<usage_error>(parse({"--daemonize"})));
}

TEST_CASE("help and version are printed", "[options]")
{
    CHECK(std::get<print_command>(parse({"--version"})).text == "procctld " PROCCTL_VERSION "\n");
    CHECK(std::get<print_command>(parse({"--help"})).text.find("--check") != std::string::npos);
}
