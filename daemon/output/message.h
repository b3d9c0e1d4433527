// What the daemon and its output process say to each other: to and from the bytes of one datagram.
//
// Both ends run on one machine, usually from one binary: numbers are in the machine's byte order, and a
// version that differs is refused at the first message. The descriptors that travel beside a message are not
// seen here. Nothing is trusted: what is too short, too long, unknown or out of range is an error.
#pragma once

#include "common/result.h"
#include "daemon/output/notice.h"
#include "daemon/output/stream_id.h"
#include "daemon/output/stream_settings_bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace procctl::output {

inline constexpr std::uint32_t protocol_version = 2;
inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t max_order_size = header_size + max_settings_size;
inline constexpr std::size_t max_reply_size =
    header_size + sizeof(std::uint64_t) + log_settings::max_tail_size;
inline constexpr std::uint32_t max_slots = 1U << 20U;

// Orders: from the daemon.

struct hello { // the first one; with the record's descriptor
    std::uint32_t version = protocol_version;
    std::uint32_t slot = 0; // in the record: of the output process itself
    friend bool operator==(const hello&, const hello&) = default;
};
struct open_stream { // with the pipe's read end
    stream_id id = 0;
    std::uint32_t slot = 0; // in the record
    stream_settings settings;
    std::uint32_t pid = 0; // as in set_pid, but nobody waits for one that is not known
    friend bool operator==(const open_stream&, const open_stream&) = default;
};
struct close_stream { // write what the pipe holds, then forget it; answered by `closed`
    stream_id id = 0;
    std::uint32_t slot = 0;
    friend bool operator==(const close_stream&, const close_stream&) = default;
};
// Of the process that writes from now on. 0: it is about to be made; what it writes waits until its pid is
// known, but not for long. Means nothing where bytes go as they are.
struct set_pid {
    stream_id id = 0;
    std::uint32_t slot = 0;
    std::uint32_t pid = 0;
    friend bool operator==(const set_pid&, const set_pid&) = default;
};
// A run has ended: what the pipe holds now is written, and an unfinished line is ended where lines matter.
// Answered by `run_finished`; also when it cannot be written.
struct finish_run {
    stream_id id = 0;
    std::uint32_t slot = 0;
    std::uint32_t tag = 0;
    friend bool operator==(const finish_run&, const finish_run&) = default;
};
struct rotate_log { // answered by `rotated`
    stream_id id = 0;
    std::uint32_t slot = 0;
    std::uint32_t tag = 0;
    friend bool operator==(const rotate_log&, const rotate_log&) = default;
};
struct reopen_logs { // every path is looked up anew
    friend bool operator==(const reopen_logs&, const reopen_logs&) = default;
};
struct drain_streams { // answered by `drained` once all that the pipes hold now is written
    std::uint64_t tag = 0;
    friend bool operator==(const drain_streams&, const drain_streams&) = default;
};
struct stop_moving { // empty the pipes, answer `stopped`, and end
    friend bool operator==(const stop_moving&, const stop_moving&) = default;
};
using order = std::variant<hello, open_stream, close_stream, set_pid, finish_run, rotate_log, reopen_logs,
                           drain_streams, stop_moving>;

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
struct run_finished {
    std::uint32_t tag = 0;
    std::uint64_t moved = 0; // record_slot::moved, with what the run has written
    std::string tail;        // of what the run wrote, at most stream_settings::tail_size
    friend bool operator==(const run_finished&, const run_finished&) = default;
};
struct rotated {
    std::uint32_t tag = 0;
    int errno_value = 0; // 0: done; ENOTSUP: there is no regular file
    friend bool operator==(const rotated&, const rotated&) = default;
};
struct notice { // something has happened to a stream's file, for the daemon's log
    stream_id id = 0;
    notice_kind what = notice_kind::rotated;
    int errno_value = 0;
    std::string path;
    friend bool operator==(const notice&, const notice&) = default;
};
struct drained {
    std::uint64_t tag = 0;
    friend bool operator==(const drained&, const drained&) = default;
};
struct stopped {
    friend bool operator==(const stopped&, const stopped&) = default;
};
using reply = std::variant<trouble, recovered, closed, run_finished, rotated, notice, drained, stopped>;

[[nodiscard]] std::string encode(const order&);
[[nodiscard]] std::string encode(const reply&);
[[nodiscard]] result<order> decode_order(std::string_view);
[[nodiscard]] result<reply> decode_reply(std::string_view);

} // namespace procctl::output
