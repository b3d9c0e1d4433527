#include "daemon/output/message.h"

#include <cstring>

namespace procctl::output {
namespace {

// The kinds on the wire. Orders and replies share one numbering, so that neither is taken for the other.
enum class kind : std::uint32_t {
    hello = 1,
    open,
    close,
    drain,
    stop,
    trouble = 101,
    recovered,
    closed,
    drained,
    stopped
};

struct header {
    kind what = {};
    stream_id stream = 0;
    std::uint64_t value = 0; // version; slot, with `lossy` in bit 32; tag; errno, with the step in bit 32
};
static_assert(sizeof(header) == header_size);

constexpr std::uint64_t bit_32 = std::uint64_t{1} << 32U;
constexpr int max_errno = 4095; // the kernel's own bound (MAX_ERRNO)

std::string pack(kind what, stream_id stream, std::uint64_t value, std::string_view path = {})
{
    const header h{what, stream, value};
    std::string bytes(sizeof h + path.size(), '\0');
    std::memcpy(bytes.data(), &h, sizeof h);
    path.copy(bytes.data() + sizeof h, path.size());
    return bytes;
}

error refusal(const char* why) { return make_error(std::string("cannot read a message: ") + why); }

result<header> header_of(std::string_view bytes)
{
    header h;
    if (bytes.size() < sizeof h) return refusal("too short");
    std::memcpy(&h, bytes.data(), sizeof h);
    const bool has_path = h.what == kind::open;
    if (!has_path && bytes.size() != sizeof h) return refusal("too long");
    return h;
}

} // namespace

std::string encode(const order& o)
{
    struct encoder {
        std::string operator()(const hello& m) const { return pack(kind::hello, 0, m.version); }
        std::string operator()(const open_stream& m) const
        {
            return pack(kind::open, m.id, m.slot | (m.is_lossy ? bit_32 : 0), m.path);
        }
        std::string operator()(const close_stream& m) const { return pack(kind::close, m.id, m.slot); }
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
            const auto number = static_cast<std::uint64_t>(static_cast<std::uint32_t>(m.errno_value));
            return pack(kind::trouble, m.id, number | (m.at == step::write ? bit_32 : 0));
        }
        std::string operator()(const recovered& m) const { return pack(kind::recovered, m.id, 0); }
        std::string operator()(const closed& m) const { return pack(kind::closed, m.id, 0); }
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
    const bool names_stream = h.what == kind::open || h.what == kind::close;
    if (names_stream != (h.stream != 0))
        return refusal("a stream where none belongs, or none where one does");
    switch (h.what) {
    case kind::hello:
        if (h.value > UINT32_MAX) return refusal("a version out of range");
        return hello{static_cast<std::uint32_t>(h.value)};
    case kind::open: {
        const std::string_view path = bytes.substr(sizeof h);
        if (path.empty() || path.size() > max_path_size) return refusal("a path of this length");
        if (path.find('\0') != std::string_view::npos) return refusal("a NUL in a path");
        if ((h.value & ~bit_32) >= max_slots) return refusal("a slot out of range");
        return open_stream{h.stream, static_cast<std::uint32_t>(h.value & UINT32_MAX),
                           (h.value & bit_32) != 0, std::string(path)};
    }
    case kind::close:
        if (h.value >= max_slots) return refusal("a slot out of range");
        return close_stream{h.stream, static_cast<std::uint32_t>(h.value)};
    case kind::drain: return drain_streams{h.value};
    case kind::stop:
        if (h.value != 0) return refusal("a value where none belongs");
        return stop_moving{};
    case kind::trouble:
    case kind::recovered:
    case kind::closed:
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
    const bool names_stream = h.what == kind::trouble || h.what == kind::recovered || h.what == kind::closed;
    if (names_stream != (h.stream != 0))
        return refusal("a stream where none belongs, or none where one does");
    const bool has_value = h.what == kind::trouble || h.what == kind::drained;
    if (!has_value && h.value != 0) return refusal("a value where none belongs");
    switch (h.what) {
    case kind::trouble: {
        const std::uint64_t number = h.value & ~bit_32;
        if (number == 0 || number > max_errno) return refusal("an errno out of range");
        return trouble{h.stream, (h.value & bit_32) != 0 ? step::write : step::open,
                       static_cast<int>(number)};
    }
    case kind::recovered: return recovered{h.stream};
    case kind::closed: return closed{h.stream};
    case kind::drained: return drained{h.value};
    case kind::stopped: return stopped{};
    case kind::hello:
    case kind::open:
    case kind::close:
    case kind::drain:
    case kind::stop: break;
    }
    return refusal("not a reply");
}

} // namespace procctl::output
