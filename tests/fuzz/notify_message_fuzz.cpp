// Datagrams of sd_notify: whatever is accepted holds to its ranges, and can be written down as text.
#include "daemon/core/notify_message.h"
#include "daemon/core/utf8.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const auto message = parse_notify_message({reinterpret_cast<const char*>(data), size});
    if (!message) return 0;
    const auto need = [](bool holds) {
        if (!holds) std::abort();
    };
    need(size != 0 && size <= longest_notification);
    if (message->status) need(find_invalid_utf8(*message->status) == std::string_view::npos);
    if (message->errno_value) need(*message->errno_value >= 0 && *message->errno_value <= 4095);
    if (message->exit_status) need(*message->exit_status >= 0 && *message->exit_status <= 255);
    if (message->main_pid) need(*message->main_pid > 0);
    if (message->watchdog_usec) need(*message->watchdog_usec >= duration(0));
    if (message->extend_timeout_usec) need(*message->extend_timeout_usec > duration(0));
    if (message->monotonic_usec) need(*message->monotonic_usec >= time_point{});
    need(is_descriptor_name(message->descriptor_name));
    need(!(message->stores_descriptors && message->removes_descriptors));
    if (message->is_barrier) need(*message == notify_message{.is_barrier = true});
    if (message->state == notify_state::reloading) need(message->has_reloading);
    return 0;
}
