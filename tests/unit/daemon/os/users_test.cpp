#include "daemon/os/users.h"
#include "tests/support/catch.h"

#include <algorithm>

#include <unistd.h>

using namespace procctl;

namespace {

identity found(std::string_view user, std::string_view group = {}, std::vector<std::string> more = {})
{
    auto who = look_up_identity(user, group, more);
    REQUIRE(who.has_value());
    return *who;
}

identity_error refused(std::string_view user, std::string_view group = {}, std::vector<std::string> more = {})
{
    const auto who = look_up_identity(user, group, more);
    REQUIRE(who.has_error());
    return who.error();
}

} // namespace

TEST_CASE("a user by name has its account's facts", "[users]")
{
    const auto root = found("root");
    CHECK(root.uid == 0);
    CHECK(root.gid == 0);
    CHECK(root.user == "root");
    CHECK(root.home == "/root");
    CHECK(root.shell == "/bin/bash");
    CHECK(root.changes_user);
    CHECK(std::ranges::count(root.groups, gid_t{0}) == 1);

    const auto daemon = found("daemon"); // uid 1 on every Debian
    CHECK(daemon.uid == 1);
    CHECK(daemon.gid == 1);
    CHECK(daemon.groups == std::vector<gid_t>{1});
}

TEST_CASE("a user by number", "[users]")
{
    SECTION("has its account's facts, where it has an account")
    {
        CHECK(found("1").user == "daemon");
        CHECK(found("0").home == "/root");
    }
    SECTION("needs no account")
    {
        const auto who = found("4711");
        CHECK(who.uid == 4711);
        CHECK(who.gid == 4711);
        CHECK(who.user == "4711");
        CHECK(who.home == "/");
        CHECK(who.shell == "/bin/sh");
        CHECK(who.groups == std::vector<gid_t>{4711});
    }
}

TEST_CASE("a group given for itself is the main one, and the user's groups stay", "[users]")
{
    const auto who = found("daemon", "adm", {"4712", "tty", "tty"});
    const auto adm = look_up_group("adm");
    const auto tty = look_up_group("tty");
    REQUIRE((adm.has_value() && tty.has_value()));
    CHECK(who.uid == 1);
    CHECK(who.gid == *adm);
    CHECK(std::ranges::is_sorted(who.groups));
    for (const gid_t group : {*adm, *tty, gid_t{4712}})
        CHECK(std::ranges::count(who.groups, group) == 1);
}

TEST_CASE("without a user it is the daemon's own", "[users]")
{
    CHECK(found("").uid == ::geteuid());
    CHECK_FALSE(found("").changes_user);
    CHECK(found("", "adm").changes_user);
    CHECK(found("", "adm").uid == ::geteuid());
    CHECK(found("", "", {"adm"}).changes_user);
}

TEST_CASE("what is unknown is named, and which of the two it is", "[users]")
{
    CHECK(refused("no-such-user").message == "unknown user 'no-such-user'");
    CHECK_FALSE(refused("no-such-user").is_group);
    CHECK(refused("root", "no-such-group").message == "unknown group 'no-such-group'");
    CHECK(refused("root", "no-such-group").is_group);
    CHECK(refused("root", "", {"adm", "nope"}).is_group);
    CHECK(look_up_group("nope").error().message() == "unknown group 'nope'");
}

TEST_CASE("numbers that are no ids are refused", "[users]")
{
    for (const char* text : {"4294967295", "65535", "-1", "99999999999", "0x10", " 1"}) {
        CAPTURE(text);
        CHECK(look_up_identity(text, "", {}).has_error());
        CHECK(look_up_group(text).has_error());
    }
}
