#include "daemon/core/notify_message.h"
#include "tests/support/catch.h"

#include <cerrno>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

notify_message parsed(std::string_view text)
{
    const auto message = parse_notify_message(text);
    REQUIRE(message);
    return *message;
}

bool is_refused(std::string_view text) { return parse_notify_message(text).has_error(); }

} // namespace

TEST_CASE("a notification with one assignment", "[notify]")
{
    CHECK(parsed("READY=1") == notify_message{.state = notify_state::ready});
    CHECK(parsed("RELOADING=1") == notify_message{.state = notify_state::reloading, .has_reloading = true});
    CHECK(parsed("STOPPING=1") == notify_message{.state = notify_state::stopping});
    CHECK(parsed("STATUS=all fine") == notify_message{.status = "all fine"});
    CHECK(parsed("STATUS=") == notify_message{.status = ""});
    CHECK(parsed("ERRNO=2") == notify_message{.errno_value = 2});
    CHECK(parsed("EXIT_STATUS=3") == notify_message{.exit_status = 3});
    CHECK(parsed("MAINPID=4711") == notify_message{.main_pid = 4711});
    CHECK(parsed("WATCHDOG=1") == notify_message{.watchdog = watchdog_request::ping});
    CHECK(parsed("WATCHDOG=trigger") == notify_message{.watchdog = watchdog_request::trigger});
    CHECK(parsed("WATCHDOG_USEC=300000") == notify_message{.watchdog_usec = 300ms});
    CHECK(parsed("EXTEND_TIMEOUT_USEC=5") == notify_message{.extend_timeout_usec = 5us});
    CHECK(parsed("MONOTONIC_USEC=12") == notify_message{.monotonic_usec = time_point(12us)});
    CHECK(parsed("BARRIER=1") == notify_message{.is_barrier = true});
    CHECK(parsed("FDSTORE=1") == notify_message{.stores_descriptors = true, .descriptor_name = "stored"});
    CHECK(parsed("FDPOLL=0") == notify_message{.polls_descriptors = false});
}

TEST_CASE("what nobody knows, and values that make no sense, are as if they were not there", "[notify]")
{
    for (const char* text : {"X_MINE=1",
                             "READY",
                             "READY=0",
                             "READY=1 ",
                             "READY=10",
                             " READY=1",
                             "ready=1",
                             "RELOADING=0",
                             "STOPPING=2",
                             "STATUS=\xff",
                             "STATUS=a\xc3",
                             "ERRNO=",
                             "ERRNO=-1",
                             "ERRNO=4096",
                             "ERRNO=ENOSUCH",
                             "ERRNO=2x",
                             "EXIT_STATUS=256",
                             "EXIT_STATUS=-1",
                             "MAINPID=0",
                             "MAINPID=-1",
                             "MAINPID=1x",
                             "MAINPID=",
                             "MAINPID=2147483648",
                             "MAINPID=99999999999999999999999",
                             "WATCHDOG=0",
                             "WATCHDOG=Trigger",
                             "WATCHDOG_USEC=1s",
                             "WATCHDOG_USEC=-5",
                             "WATCHDOG_USEC=infinity",
                             "WATCHDOG_USEC=99999999999999999999",
                             "EXTEND_TIMEOUT_USEC=0",
                             "EXTEND_TIMEOUT_USEC=18446744073709551615",
                             "EXTEND_TIMEOUT_USEC=a",
                             "MONOTONIC_USEC=",
                             "FDSTORE=0",
                             "FDPOLL=1",
                             "FDNAME=a",
                             "FDSTOREREMOVE=1",
                             "BARRIER=0",
                             "=",
                             "a"}) {
        CAPTURE(text);
        CHECK(parsed(text) == notify_message{});
    }
}

TEST_CASE("numbers are read as systemd reads them", "[notify]")
{
    const auto [text, pid] = GENERATE(table<const char*, int>({{"MAINPID= 7", 7},
                                                               {"MAINPID=+7", 7},
                                                               {"MAINPID=0x1f", 31},
                                                               {"MAINPID=0X1F", 31},
                                                               {"MAINPID=010", 8},
                                                               {"MAINPID=0o10", 8},
                                                               {"MAINPID=0b11", 3},
                                                               {"MAINPID=2147483647", 2147483647}}));
    CAPTURE(text);
    CHECK(parsed(text).main_pid == pid);
}

TEST_CASE("errors are numbers or names", "[notify]")
{
    CHECK(parsed("ERRNO=0").errno_value == 0);
    CHECK(parsed("ERRNO=-0").errno_value == 0);
    CHECK(parsed("ERRNO=4095").errno_value == 4095);
    CHECK(parsed("ERRNO=ENOENT").errno_value == ENOENT);
    CHECK(parsed("ERRNO=EWOULDBLOCK").errno_value == EAGAIN);
    CHECK(parsed("ERRNO=ENOTSUP").errno_value == EOPNOTSUPP);
    CHECK(parsed("ERRNO=EOPNOTSUPP").errno_value == EOPNOTSUPP);
    CHECK(parsed("ERRNO=EDEADLOCK").errno_value == EDEADLK);
}

TEST_CASE("times that do not fit are for ever", "[notify]")
{
    CHECK(parsed("WATCHDOG_USEC=0").watchdog_usec == 0us);
    CHECK(parsed("WATCHDOG_USEC=9223372036854775806").watchdog_usec == infinity - 1us);
    CHECK(parsed("WATCHDOG_USEC=9223372036854775807").watchdog_usec == infinity);
    CHECK(parsed("WATCHDOG_USEC=18446744073709551615").watchdog_usec == infinity);
    CHECK(parsed("EXTEND_TIMEOUT_USEC=18446744073709551614").extend_timeout_usec == infinity);
    CHECK(parsed("MONOTONIC_USEC=18446744073709551615").monotonic_usec == never);
}

TEST_CASE("of the three states the last one counts", "[notify]")
{
    CHECK(parsed("READY=1\nSTOPPING=1").state == notify_state::stopping);
    CHECK(parsed("STOPPING=1\nREADY=1").state == notify_state::ready);
    CHECK(parsed("READY=1\nSTOPPING=0").state == notify_state::ready);
    const auto reloaded = parsed("RELOADING=1\nMONOTONIC_USEC=5\nREADY=1");
    CHECK(reloaded.state == notify_state::ready);
    CHECK(reloaded.has_reloading);
    CHECK(reloaded.monotonic_usec == time_point(5us));
}

TEST_CASE("of all others the first one counts, even if it makes no sense", "[notify]")
{
    CHECK(parsed("STATUS=a\nSTATUS=b").status == "a");
    CHECK(parsed("MAINPID=5\nMAINPID=6").main_pid == 5);
    CHECK_FALSE(parsed("MAINPID=x\nMAINPID=6").main_pid);
    CHECK_FALSE(parsed("STATUS=\xff\nSTATUS=b").status);
    CHECK(parsed("WATCHDOG=0\nWATCHDOG=1").watchdog == watchdog_request::none);
}

TEST_CASE("lines end with newlines, carriage returns, or the datagram", "[notify]")
{
    for (const char* text : {"READY=1\nSTATUS=up", "READY=1\nSTATUS=up\n", "\n\nREADY=1\n\n\nSTATUS=up\n\n",
                             "READY=1\r\nSTATUS=up\r\n"}) {
        CAPTURE(text);
        CHECK(parsed(text) == notify_message{.state = notify_state::ready, .status = "up"});
    }
    CHECK(parsed("STATUS=a=b \\ 'c' \"d\"").status == "a=b \\ 'c' \"d\"");
    CHECK(parsed("STATUS= ä€😀 ").status == " ä€😀 ");
}

TEST_CASE("what is no text of assignments is refused", "[notify]")
{
    using namespace std::string_view_literals;
    CHECK(is_refused(""));
    CHECK(is_refused("\n"));
    CHECK(is_refused("\0"sv));
    CHECK(is_refused("READY=1\0STATUS=x"sv));
    CHECK(is_refused("\0READY=1"sv));
    CHECK(is_refused("READY=1\0\0"sv));
    CHECK(parsed("READY=1\0"sv) == notify_message{.state = notify_state::ready});

    const std::string longest = "STATUS=" + std::string(longest_notification - 7, 'x');
    CHECK(parsed(longest).status == longest.substr(7));
    CHECK(is_refused(longest + 'x'));
}

TEST_CASE("nothing else counts in a barrier", "[notify]")
{
    CHECK(parsed("BARRIER=1\nREADY=1\nFDSTORE=1") == notify_message{.is_barrier = true});
    CHECK(parsed("STATUS=x\nBARRIER=1\n") == notify_message{.is_barrier = true});
}

TEST_CASE("descriptors are stored and removed under a name", "[notify]")
{
    const auto named = parsed("FDSTORE=1\nFDNAME=web socket\nFDPOLL=0");
    CHECK(named == notify_message{.stores_descriptors = true,
                                  .polls_descriptors = false,
                                  .descriptor_name = "web socket"});
    CHECK(parsed("FDSTORE=1\nFDNAME=").descriptor_name.empty());
    CHECK(parsed("FDSTORE=1\nFDNAME=a:b").descriptor_name == "stored");
    CHECK(parsed("FDSTORE=1\nFDNAME=a:b\nFDNAME=c").descriptor_name == "stored");

    CHECK(parsed("FDSTOREREMOVE=1\nFDNAME=a") ==
          notify_message{.removes_descriptors = true, .descriptor_name = "a"});
    CHECK(parsed("FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=a") ==
          notify_message{.removes_descriptors = true, .descriptor_name = "a"});
    // A removal without a usable name does nothing, and keeps FDSTORE from doing anything.
    CHECK(parsed("FDSTORE=1\nFDSTOREREMOVE=1") == notify_message{});
    CHECK(parsed("FDSTOREREMOVE=1\nFDNAME=a\x01") == notify_message{});
}

TEST_CASE("names of descriptors", "[notify]")
{
    CHECK(is_descriptor_name(""));
    CHECK(is_descriptor_name("a b/c~"));
    CHECK(is_descriptor_name(std::string(255, 'a')));
    CHECK_FALSE(is_descriptor_name(std::string(256, 'a')));
    for (const char* bad : {"a:b", "a\nb", "\x7f", "\x1f", "ä"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_descriptor_name(bad));
    }
}
