#include "daemon/output/message.h"

#include <cstring>

namespace procctl::output {
namespace {

// The kinds on the wire. Orders and replies share one numbering, so that neither is taken for the other.
enum class kind : std::uint32_t {
    hello = 1,
    open,
    close,
    set_pid,
    finish,
    rotate,
    reopen,
    drain,
    stop,
    trouble = 101,
    recovered,
    closed,
    finished,
    rotated,
    notice,
    drained,
    stopped
};

struct header {
    kind what = {};
    stream_id stream = 0;
    std::uint64_t value = 0; // one number, or two halves
};
static_assert(sizeof(header) == header_size);

constexpr std::uint32_t max_errno = 4095; // the kernel's own bound (MAX_ERRNO)
constexpr std::uint32_t max_pid = INT32_MAX;

constexpr std::uint64_t halves(std::uint64_t low, std::uint64_t high) { return low | high << 32U; }
constexpr std::uint32_t low_half(const header& h) { return static_cast<std::uint32_t>(h.value); }
constexpr std::uint32_t high_half(const header& h) { return static_cast<std::uint32_t>(h.value >> 32U); }
constexpr std::uint64_t number_of(int errno_value) { return static_cast<std::uint32_t>(errno_value); }

std::string pack(kind what, stream_id stream, std::uint64_t value, std::string_view body = {})
{
    const header h{what, stream, value};
    std::string bytes(sizeof h + body.size(), '\0');
    std::memcpy(bytes.data(), &h, sizeof h);
    body.copy(bytes.data() + sizeof h, body.size());
    return bytes;
}

error refusal(const char* why) { return make_error(std::string("cannot read a message: ") + why); }

result<reply> decode_finished(const header& h, std::string_view body)
{
    run_finished r;
    if (body.size() < sizeof r.moved) return refusal("too short");
    if (body.size() > sizeof r.moved + log_settings::max_tail_size) return refusal("too long");
    if (high_half(h) != 0) return refusal("a tag out of range");
    r.tag = low_half(h);
    std::memcpy(&r.moved, body.data(), sizeof r.moved);
    r.tail = body.substr(sizeof r.moved);
    return reply(std::move(r));
}

result<header> header_of(std::string_view bytes)
{
    header h;
    if (bytes.size() < sizeof h) return refusal("too short");
    std::memcpy(&h, bytes.data(), sizeof h);
    using enum kind;
    const bool has_body = h.what == open || h.what == finished || h.what == kind::notice;
    if (!has_body && bytes.size() != sizeof h) return refusal("too long");
    const bool names_stream = h.what == open || h.what == close || h.what == kind::set_pid ||
                              h.what == finish || h.what == rotate || h.what == kind::trouble ||
                              h.what == kind::recovered || h.what == kind::closed || h.what == kind::notice;
    if (names_stream != (h.stream != 0))
        return refusal("a stream where none belongs, or none where one does");
    const bool has_value = h.what != reopen && h.what != stop && h.what != kind::recovered &&
                           h.what != kind::closed && h.what != kind::stopped;
    if (!has_value && h.value != 0) return refusal("a value where none belongs");
    return h;
}

} // namespace

std::string encode(const order& o)
{
    struct encoder {
        std::string operator()(const hello& m) const
        {
            return pack(kind::hello, 0, halves(m.version, m.slot));
        }
        std::string operator()(const open_stream& m) const
        {
            return pack(kind::open, m.id, halves(m.slot, m.pid), to_bytes(m.settings));
        }
        std::string operator()(const close_stream& m) const { return pack(kind::close, m.id, m.slot); }
        std::string operator()(const set_pid& m) const
        {
            return pack(kind::set_pid, m.id, halves(m.pid, m.slot));
        }
        std::string operator()(const finish_run& m) const
        {
            return pack(kind::finish, m.id, halves(m.tag, m.slot));
        }
        std::string operator()(const rotate_log& m) const
        {
            return pack(kind::rotate, m.id, halves(m.tag, m.slot));
        }
        std::string operator()(const reopen_logs&) const { return pack(kind::reopen, 0, 0); }
        std::string operator()(const drain_streams& m) const { return pack(kind::drain, 0, m.tag); }
        std::string operator()(const stop_moving&) const { return pack(kind::stop, 0, 0); }
    };
    return std::visit(encoder{}, o);
}

std::string encode(const reply& r)
{
    struct encoder {
        std::string operator()(const trouble& m) const
        {
            return pack(kind::trouble, m.id,
                        halves(number_of(m.errno_value), static_cast<std::uint64_t>(m.at)));
        }
        std::string operator()(const recovered& m) const { return pack(kind::recovered, m.id, 0); }
        std::string operator()(const closed& m) const { return pack(kind::closed, m.id, 0); }
        std::string operator()(const run_finished& m) const
        {
            std::string body(sizeof m.moved, '\0');
            std::memcpy(body.data(), &m.moved, sizeof m.moved);
            return pack(kind::finished, 0, m.tag, body + m.tail);
        }
        std::string operator()(const rotated& m) const
        {
            return pack(kind::rotated, 0, halves(m.tag, number_of(m.errno_value)));
        }
        std::string operator()(const notice& m) const
        {
            return pack(kind::notice, m.id,
                        halves(number_of(m.errno_value), static_cast<std::uint64_t>(m.what)), m.path);
        }
        std::string operator()(const drained& m) const { return pack(kind::drained, 0, m.tag); }
        std::string operator()(const stopped&) const { return pack(kind::stopped, 0, 0); }
    };
    return std::visit(encoder{}, r);
}

result<order> decode_order(std::string_view bytes)
{
    const auto read = header_of(bytes);
    if (!read) return read.error();
    const header& h = *read;
    switch (h.what) {
    case kind::hello:
        if (high_half(h) >= max_slots) return refusal("a slot out of range");
        return hello{low_half(h), high_half(h)};
    case kind::open: {
        if (low_half(h) >= max_slots) return refusal("a slot out of range");
        if (high_half(h) > max_pid) return refusal("a process id out of range");
        auto settings = settings_from_bytes(bytes.substr(sizeof h));
        if (!settings) return settings.error();
        return open_stream{h.stream, low_half(h), std::move(*settings), high_half(h)};
    }
    case kind::close:
        if (h.value >= max_slots) return refusal("a slot out of range");
        return close_stream{h.stream, low_half(h)};
    case kind::set_pid:
        if (high_half(h) >= max_slots) return refusal("a slot out of range");
        if (low_half(h) > max_pid) return refusal("a process id out of range");
        return set_pid{h.stream, high_half(h), low_half(h)};
    case kind::finish:
        if (high_half(h) >= max_slots) return refusal("a slot out of range");
        return finish_run{h.stream, high_half(h), low_half(h)};
    case kind::rotate:
        if (high_half(h) >= max_slots) return refusal("a slot out of range");
        return rotate_log{h.stream, high_half(h), low_half(h)};
    case kind::reopen: return reopen_logs{};
    case kind::drain: return drain_streams{h.value};
    case kind::stop: return stop_moving{};
    case kind::trouble:
    case kind::recovered:
    case kind::closed:
    case kind::finished:
    case kind::rotated:
    case kind::notice:
    case kind::drained:
    case kind::stopped: break;
    }
    return refusal("not an order");
}

result<reply> decode_reply(std::string_view bytes)
{
    const auto read = header_of(bytes);
    if (!read) return read.error();
    const header& h = *read;
    const std::string_view body = bytes.substr(sizeof h);
    switch (h.what) {
    case kind::trouble:
        if (low_half(h) == 0 || low_half(h) > max_errno) return refusal("an errno out of range");
        if (high_half(h) > static_cast<std::uint32_t>(step::write)) return refusal("an unknown step");
        return trouble{h.stream, static_cast<step>(high_half(h)), static_cast<int>(low_half(h))};
    case kind::recovered: return recovered{h.stream};
    case kind::closed: return closed{h.stream};
    case kind::finished: return decode_finished(h, body);
    case kind::rotated:
        if (high_half(h) > max_errno) return refusal("an errno out of range");
        return rotated{low_half(h), static_cast<int>(high_half(h))};
    case kind::notice:
        if (low_half(h) > max_errno) return refusal("an errno out of range");
        if (high_half(h) > static_cast<std::uint32_t>(notice_kind::cannot_own))
            return refusal("an unknown notice");
        if (body.size() > max_text_size || body.find('\0') != std::string_view::npos)
            return refusal("a path of this kind");
        return notice{h.stream, static_cast<notice_kind>(high_half(h)), static_cast<int>(low_half(h)),
                      std::string(body)};
    case kind::drained: return drained{h.value};
    case kind::stopped: return stopped{};
    case kind::hello:
    case kind::open:
    case kind::close:
    case kind::set_pid:
    case kind::finish:
    case kind::rotate:
    case kind::reopen:
    case kind::drain:
    case kind::stop: break;
    }
    return refusal("not a reply");
}

} // namespace procctl::output
