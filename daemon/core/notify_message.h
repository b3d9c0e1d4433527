// One datagram of sd_notify(3), parsed: the assignments that systemd acts on, and nothing else.
//
// Pure, for foreign bytes. As in systemd an assignment whose value makes no sense is as if it were not there,
// and unknown ones mean nothing; a datagram that is no text of assignments at all is refused as a whole.
#pragma once

#include "common/result.h"
#include "common/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

// The longest datagram that is read: systemd's NOTIFY_BUFFER_MAX. A longer one is refused.
inline constexpr std::size_t longest_notification = 4096;

// Of READY=1, RELOADING=1 and STOPPING=1 the last one in a message counts.
enum class notify_state { unknown, ready, reloading, stopping };
enum class watchdog_request { none, ping, trigger };

struct notify_message {
    notify_state state = notify_state::unknown;
    bool has_reloading = false;          // RELOADING=1 is among the assignments, whatever `state` says
    std::optional<std::string> status{}; // STATUS=; empty clears it. Not UTF-8: ignored
    std::optional<int> errno_value{};    // ERRNO=
    std::optional<int> exit_status{};    // EXIT_STATUS=, 0 to 255
    std::optional<int> main_pid{};       // MAINPID=, above 0
    watchdog_request watchdog = watchdog_request::none;
    std::optional<duration> watchdog_usec{};       // WATCHDOG_USEC=
    std::optional<duration> extend_timeout_usec{}; // EXTEND_TIMEOUT_USEC=
    std::optional<time_point> monotonic_usec{};    // MONOTONIC_USEC=, of CLOCK_MONOTONIC
    bool is_barrier = false;                       // BARRIER=1; nothing else of such a message counts
    bool stores_descriptors = false;               // FDSTORE=1
    bool removes_descriptors = false; // FDSTOREREMOVE=1 with a name; FDSTORE=1 means nothing then
    bool polls_descriptors = true;    // off with FDPOLL=0
    std::string descriptor_name{};    // FDNAME=, or "stored"; of use with one of these two only

    friend bool operator==(const notify_message&, const notify_message&) = default;
};

// Errors: empty, too long, a NUL byte before the end.
[[nodiscard]] result<notify_message> parse_notify_message(std::string_view datagram);

// Whether a name may stand in LISTEN_FDNAMES: at most 255 printable ASCII characters, no ':'.
[[nodiscard]] bool is_descriptor_name(std::string_view);

} // namespace procctl
