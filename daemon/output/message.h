// What the daemon and its output process say to each other: to and from the bytes of one datagram.
//
// Both ends run on one machine, usually from one binary: numbers are in the machine's byte order, and a
// version that differs is refused at the first message. The descriptors that travel beside a message are not
// seen here. Nothing is trusted: what is too short, too long, unknown or out of range is an error.
#pragma once

#include "common/result.h"
#include "daemon/output/stream_id.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace procctl::output {

inline constexpr std::uint32_t protocol_version = 1;
// The longest message: a header and a path that the kernel would still take (PATH_MAX counts its NUL).
inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t max_path_size = 4095;
inline constexpr std::size_t max_message_size = header_size + max_path_size;
inline constexpr std::uint32_t max_slots = 1U << 20U;

// Orders: from the daemon.

struct hello { // the first one; with the record's descriptor
    std::uint32_t version = protocol_version;
    friend bool operator==(const hello&, const hello&) = default;
};
struct open_stream { // with the pipe's read end
    stream_id id = 0;
    std::uint32_t slot = 0; // in the record
    // Bytes that the target refuses for good (a terminal that was closed) are thrown away, and nobody waits
    // for those that it does not take: the daemon's own console.
    bool is_lossy = false;
    std::string path;
    friend bool operator==(const open_stream&, const open_stream&) = default;
};
struct close_stream { // write what the pipe holds, then forget it; answered by `closed`
    stream_id id = 0;
    std::uint32_t slot = 0;
    friend bool operator==(const close_stream&, const close_stream&) = default;
};
struct drain_streams { // answered by `drained` once all that the pipes hold now is written
    std::uint64_t tag = 0;
    friend bool operator==(const drain_streams&, const drain_streams&) = default;
};
struct stop_moving { // empty the pipes, answer `stopped`, and end
    friend bool operator==(const stop_moving&, const stop_moving&) = default;
};
using order = std::variant<hello, open_stream, close_stream, drain_streams, stop_moving>;

// Replies: from the output process.

enum class step : std::uint8_t { open, write };
struct trouble { // the bytes wait in the pipe, and it is tried again
    stream_id id = 0;
    step at = step::open;
    int errno_value = 0;
    friend bool operator==(const trouble&, const trouble&) = default;
};
struct recovered {
    stream_id id = 0;
    friend bool operator==(const recovered&, const recovered&) = default;
};
struct closed {
    stream_id id = 0;
    friend bool operator==(const closed&, const closed&) = default;
};
struct drained {
    std::uint64_t tag = 0;
    friend bool operator==(const drained&, const drained&) = default;
};
struct stopped {
    friend bool operator==(const stopped&, const stopped&) = default;
};
using reply = std::variant<trouble, recovered, closed, drained, stopped>;

[[nodiscard]] std::string encode(const order&);
[[nodiscard]] std::string encode(const reply&);
[[nodiscard]] result<order> decode_order(std::string_view);
[[nodiscard]] result<reply> decode_reply(std::string_view);

} // namespace procctl::output
