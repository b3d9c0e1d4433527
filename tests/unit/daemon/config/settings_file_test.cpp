#include "daemon/config/settings_file.h"
#include "daemon/config/yaml_loader.h"
#include "tests/support/catch.h"

#include <map>

using namespace procctl;

namespace {

environment_lookup variables(std::map<std::string, std::string> values)
{
    return [values = std::move(values)](const char* name) {
        const auto found = values.find(name);
        return found == values.end() ? std::string{} : found->second;
    };
}

struct outcome {
    settings read;
    std::vector<std::string> problems;
};

outcome parse(const std::string& text)
{
    diagnostics out;
    outcome result;
    const auto tree = load_yaml(text, "/srv/p/procctl.yaml", out);
    const auto base = default_settings(scope::system, variables({}));
    result.read = parse_settings(*base, *tree, "/srv/p/procctl.yaml", out);
    complete_settings(result.read, out);
    for (const diagnostic& d : out)
        result.problems.push_back(d.text());
    return result;
}

} // namespace

TEST_CASE("the system's places", "[settings]")
{
    const auto s = default_settings(scope::system, variables({}));
    REQUIRE(s);
    CHECK(s->file == "/etc/procctl/procctl.yaml");
    CHECK(s->conf_d == "/etc/procctl/conf.d");
    CHECK(s->socket == "/run/procctl/procctl.sock");
    CHECK(s->socket_mode == 0660);
    CHECK(s->socket_group == "procctl");
    CHECK(s->log_dir == "/var/log/procctl");
    CHECK(s->state_dir == "/var/lib/procctl");
}

TEST_CASE("a user's places", "[settings]")
{
    SECTION("as XDG says")
    {
        const auto s = default_settings(scope::user, variables({{"HOME", "/users/a"},
                                                                {"XDG_CONFIG_HOME", "/c"},
                                                                {"XDG_STATE_HOME", "/s"},
                                                                {"XDG_RUNTIME_DIR", "/run/user/7"}}));
        REQUIRE(s);
        CHECK(s->file == "/c/procctl/procctl.yaml");
        CHECK(s->conf_d == "/c/procctl/conf.d");
        CHECK(s->socket == "/run/user/7/procctl/procctl.sock");
        CHECK(s->socket_mode == 0600);
        CHECK(s->socket_group.empty());
        CHECK(s->log_dir == "/s/procctl/log");
        CHECK(s->state_dir == "/s/procctl");
    }
    SECTION("below HOME; relative ones do not count")
    {
        const auto s = default_settings(
            scope::user,
            variables({{"HOME", "/users/a"}, {"XDG_CONFIG_HOME", "c"}, {"XDG_RUNTIME_DIR", "/r"}}));
        REQUIRE(s);
        CHECK(s->conf_d == "/users/a/.config/procctl/conf.d");
        CHECK(s->state_dir == "/users/a/.local/state/procctl");
    }
    SECTION("without HOME")
    {
        CHECK_FALSE(default_settings(scope::user, variables({{"XDG_RUNTIME_DIR", "/r"}})));
    }
    SECTION("without XDG_RUNTIME_DIR the settings have to name the socket")
    {
        auto s = default_settings(scope::user, variables({{"HOME", "/users/a"}}));
        REQUIRE(s);
        diagnostics out;
        complete_settings(*s, out);
        REQUIRE(out.size() == 1);
        CHECK(out[0].message.starts_with("XDG_RUNTIME_DIR is not set"));
    }
}

TEST_CASE("every setting, relative paths from the file's folder", "[settings]")
{
    const auto [s, problems] = parse("conf_d: conf.d\n"
                                     "socket: ./run/procctl/p.sock\n"
                                     "socket_mode: 0666\n"
                                     "socket_group: ''\n"
                                     "log_dir: ../log\n"
                                     "state_dir: /var/lib/x\n"
                                     "log_level: debug\n"
                                     "log_file: daemon.log\n");
    CHECK(problems == std::vector<std::string>{});
    CHECK(s == settings{.where = scope::system,
                        .file = "/srv/p/procctl.yaml",
                        .conf_d = "/srv/p/conf.d",
                        .socket = "/srv/p/run/procctl/p.sock",
                        .socket_mode = 0666,
                        .socket_group = "",
                        .log_dir = "/srv/log",
                        .state_dir = "/var/lib/x",
                        .runtime_dir = "/srv/p/run",
                        .log_level = "debug",
                        .log_file = "/srv/p/daemon.log"});
}

TEST_CASE("an empty settings file means defaults", "[settings]")
{
    const auto [s, problems] = parse("# nothing");
    CHECK(problems.empty());
    CHECK(s.conf_d == "/etc/procctl/conf.d");
    CHECK(s.runtime_dir == "/run");
}

TEST_CASE("mistakes in the settings are explained", "[settings]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"conf_dir: x", "unknown key 'conf_dir': did you mean 'conf_d'?"},
        {"confd: x", "unknown key 'confd': write 'conf_d'"},
        {"frobnicate: x",
         "unknown key 'frobnicate'; allowed are conf_d, socket, socket_mode, socket_group, log_dir, "
         "state_dir, log_level, log_file"},
        {"access: x", "'access' is not supported by this version of procctl"},
        {"limits: required", "'limits' is not supported by this version of procctl"},
        {"ready_when: x", "'ready_when' is not supported by this version of procctl"},
        {"max_parallel_starts: 3", "'max_parallel_starts' is not supported by this version of procctl"},
        {"programs: {}",
         "unknown key 'programs': programs stand in files of their own, in the folder conf_d"},
        {"exec_start: x", "unknown key 'exec_start': this is a key of a program"},
        {"conf_d:", "conf_d: a value is missing"},
        {"conf_d: [x]", "conf_d: expected a single value, found a list"},
        {"log_dir: ~/x", "log_dir: '~/x': neither ~ nor specifiers are expanded here"},
        {"socket_mode: 999", "socket_mode: '999' is not an octal number from 0000 to 0777"},
        {"socket_group: [x]", "socket_group: expected the name or number of a group"},
        {"log_level: loud",
         "log_level: unknown value 'loud'; allowed are trace, debug, info, warning, error"},
        {"[x]", "expected a map of settings"},
    }));
    CAPTURE(text);
    const auto problems = parse(text).problems;
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].starts_with("/srv/p/procctl.yaml:1:"));
    CHECK(problems[0].find(std::string(": error: ") + expected) != std::string::npos);
}

TEST_CASE("a socket's path has to fit into the kernel's structure", "[settings]")
{
    const auto problems = parse("socket: /" + std::string(107, 'x')).problems;
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].find("has at most 107 bytes, this one has 108") != std::string::npos);
    CHECK(parse("socket: /" + std::string(106, 'x')).problems.empty());
}
