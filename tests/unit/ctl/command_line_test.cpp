#include "ctl/command_line.h"
#include "ctl/help.h"
#include "tests/support/golden.h"

using namespace procctl::ctl;
using procctl::test::check_golden;
using words = std::vector<std::string>;

namespace {

parsed_command parsed(const words& given)
{
    auto got = parse_command_line(given);
    REQUIRE(std::holds_alternative<parsed_command>(got));
    return std::get<parsed_command>(got);
}

early_end ended(const words& given)
{
    auto got = parse_command_line(given);
    REQUIRE(std::holds_alternative<early_end>(got));
    return std::get<early_end>(got);
}

} // namespace

TEST_CASE("help is as agreed", "[command_line]")
{
    check_golden("ctl/help.txt", help_text());
    std::string all;
    for (const command& c : commands())
        all += help_text(c) + "\n";
    check_golden("ctl/help-commands.txt", all);
    CHECK(ended({"--help"}).text == help_text());
    CHECK(ended({"--help"}).status == exit_done);
}

TEST_CASE("every command is reached by its name, and by its help", "[command_line]")
{
    for (const command& c : commands()) {
        CAPTURE(c.name);
        words given;
        const std::string name(c.name);
        const std::size_t space = name.find(' ');
        given.push_back(name.substr(0, space));
        if (space != std::string::npos) given.push_back(name.substr(space + 1));
        words help = given;
        help.emplace_back("--help");
        CHECK(ended(help).text == help_text(c));
        if (c.takes == names::required) {
            CHECK(ended(given).status == exit_usage);
            given.emplace_back("web");
        }
        CHECK(parsed(given).what == &c);
    }
}

TEST_CASE("global options stand before or after the command", "[command_line]")
{
    for (const words& given : {words{"--socket", "/s", "-o", "json", "start", "web", "--no-wait"},
                               words{"start", "web", "--socket=/s", "--output", "json", "--no-wait"}}) {
        const parsed_command got = parsed(given);
        CHECK(got.opts.socket == "/s");
        CHECK(got.opts.json());
        CHECK(got.opts.no_wait);
        CHECK(got.opts.names == words{"web"});
    }
    CHECK(parsed({"daemon", "status", "--user"}).opts.user);
    CHECK(parsed({"--user", "daemon", "status"}).opts.user);
}

TEST_CASE("a list option takes one value at a time", "[command_line]")
{
    const parsed_command got = parsed({"show", "-p", "type", "-p", "nice,umask", "web", "worker"});
    CHECK(got.opts.properties == words{"type", "nice", "umask"});
    CHECK(got.opts.names == words{"web", "worker"});
}

TEST_CASE("names may look like options after --", "[command_line]")
{
    CHECK(parsed({"status", "--", "-x"}).opts.names == words{"-x"});
    CHECK(parsed({"start", "status"}).opts.names == words{"status"}); // a program of that name
}

TEST_CASE("wrong usage is told, with where to read on", "[command_line]")
{
    CHECK(ended({"frob"}).text == "procctl: there is no command 'frob'\nSee `procctl --help`.\n");
    CHECK(ended({"start"}).text == "procctl: start needs a NAME\nSee `procctl start --help`.\n");
    CHECK(ended({"daemon"}).text == "procctl: 'daemon' needs to be told what to do\nSee `procctl --help`.\n");
    CHECK(ended({"-o", "json"}).text == "procctl: no command is given\nSee `procctl --help`.\n");
    CHECK(ended({}).status == exit_usage);
    CHECK(ended({}).text == help_text());
    CHECK(ended({"--version"}).text == "procctl " PROCCTL_VERSION "\n");
}

TEST_CASE("a wrong option or value is wrong usage", "[command_line]")
{
    const words given =
        GENERATE(words{"start", "-x", "web"}, words{"daemon", "frob"}, words{"status", "-o", "yaml"},
                 words{"logs", "-o", "text", "web"}, words{"logs", "--since"},
                 words{"kill", "--kill-whom", "me", "web"}, words{"--socket"},
                 words{"--user", "--system", "status"}, words{"update", "web"}, words{"frob", "web"});
    CAPTURE(given);
    const early_end end = ended(given); // the words are the option library's
    CHECK(end.status == exit_usage);
    CHECK(end.text.starts_with("procctl: "));
}
