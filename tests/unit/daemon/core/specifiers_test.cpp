#include "daemon/core/command_line.h"
#include "daemon/core/specifiers.h"
#include "tests/support/catch.h"

using namespace procctl;

using words = std::vector<std::string>;

namespace {

const specifier_context context{.instance_name = "worker@2",
                                .program = "worker",
                                .instance = "2",
                                .runtime_dir = "/run",
                                .state_dir = "/var/lib",
                                .log_dir = "/var/log",
                                .host = "box",
                                .user = "www",
                                .uid = "33",
                                .home = "/var/www"};

} // namespace

TEST_CASE("specifiers", "[specifiers]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"", ""},
        {"plain", "plain"},
        {"%n %N %p %i", "worker@2 worker@2 worker 2"},
        {"%t %S %L %H", "/run /var/lib /var/log box"},
        {"%u %U %h", "www 33 /var/www"},
        {"100%%", "100%"},
        {"%%i%i", "%i2"},
    }));
    CAPTURE(text);
    CHECK(expand_specifiers(text, context).value() == expected);
    CHECK(check_specifiers(text));
}

TEST_CASE("no other specifier is accepted silently", "[specifiers]")
{
    for (const char* text : {"%", "a%", "%%%", "%x", "%I", "% ", "%s", "%d", "%E", "%(name)s"}) {
        CAPTURE(text);
        CHECK_FALSE(expand_specifiers(text, context));
        CHECK_FALSE(check_specifiers(text));
    }
    CHECK(check_specifiers("a%").error().message() == "a '%' at the end: write %% for a percent sign");
}

// The examples are those of systemd.service(5), "COMMAND LINES".
TEST_CASE("variables in a command", "[specifiers]")
{
    const environment variables{{"ONE", "'one'"},       {"TWO", "'two two' too"}, {"THREE", ""},
                                {"PLAIN", "  a b\tc "}, {"ODD", "x 'y z"},        {"BACK", "a\\ b\\"}};
    const auto [text, expected] = GENERATE(table<const char*, words>({
        {"/bin/echo ${ONE} ${TWO} ${THREE}", {"/bin/echo", "'one'", "'two two' too", ""}},
        {"/bin/echo $ONE $TWO $THREE", {"/bin/echo", "one", "two two", "too"}},
        {"/bin/echo $PLAIN", {"/bin/echo", "a", "b", "c"}},
        {"/bin/echo $UNSET ${UNSET}", {"/bin/echo", ""}},
        {"/bin/echo x${ONE}y${THREE}z", {"/bin/echo", "x'one'yz"}},
        {"/bin/echo x$ONE", {"/bin/echo", "x$ONE"}}, // only a word of its own
        {"/bin/echo $$ONE $$ a$$b $${ONE}", {"/bin/echo", "$ONE", "$", "a$b", "${ONE}"}},
        {"/bin/echo ${ONE", {"/bin/echo", "${ONE"}},
        {"/bin/echo $ODD", {"/bin/echo", "x", "y z"}},
        {"/bin/echo $BACK", {"/bin/echo", "a b"}},
        {":/bin/echo $ONE ${TWO} $$", {"/bin/echo", "$ONE", "${TWO}", "$$"}},
        {"/bin/%p --queue %i %%i", {"/bin/worker", "--queue", "2", "%i"}},
        {":/bin/x %i", {"/bin/x", "2"}},
    }));
    CAPTURE(text);
    const auto parsed = parse_command(text);
    REQUIRE(parsed);
    const auto argv = expand_command(*parsed, context, variables);
    REQUIRE(argv);
    CHECK(*argv == expected);
}

TEST_CASE("a word that would vanish is refused when it is loaded", "[specifiers]")
{
    for (const char* bad : {"/bin/x $HOME/a", "/bin/x $1", "/bin/x $", "/bin/x '$x = 1'", "/bin/x ${A:-b}",
                            "/bin/x a${}", "/bin/x ${A", "/bin/x $A-b"}) {
        CAPTURE(bad);
        const auto parsed = parse_command(bad);
        REQUIRE(parsed);
        CHECK_FALSE(check_variables(*parsed));
    }
    for (const char* good : {"/bin/x $HOME ${HOME}/a $$1 a$", "/bin/x '{print $1}'", ":/bin/x $HOME/a ${"}) {
        CAPTURE(good);
        const auto parsed = parse_command(good);
        REQUIRE(parsed);
        CHECK(check_variables(*parsed));
    }
}

TEST_CASE("an unknown specifier of a command is an error", "[specifiers]")
{
    CHECK_FALSE(expand_command(command{{"/bin/x", "%x"}}, context, {}));
}
