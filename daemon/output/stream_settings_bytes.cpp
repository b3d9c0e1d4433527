#include "daemon/output/stream_settings_bytes.h"

#include <array>
#include <cstring>
#include <type_traits>

namespace procctl::output {
namespace {

constexpr std::uint8_t highest_facility = 23, lowest_level = 7;

// One list of the members for both directions: `visit` is called with each in the order of the bytes.
template <class Settings, class Visitor> void visit_members(Settings& s, Visitor&& visit)
{
    visit.choice(s.sink, stream_sink::syslog);
    visit.choice(s.format, log_format::json);
    visit.choice(s.timestamps, log_timestamps::local);
    visit.choice(s.on_error, log_error_action::drop);
    visit.flag(s.is_lossy);
    visit.flag(s.is_copied);
    visit.flag(s.has_level_prefix);
    visit.small(s.facility, highest_facility);
    visit.small(s.level, lowest_level);
    visit.number(s.keep);
    visit.number(s.mode);
    visit.number(s.uid);
    visit.number(s.gid);
    visit.number(s.tail_size);
    visit.number(s.max_size);
    visit.number(s.max_total_size);
    visit.time(s.max_age);
    visit.text(s.path);
    visit.text(s.program);
    visit.text(s.instance);
    visit.text(s.stream);
    visit.text(s.identifier);
}

struct byte_writer {
    std::string bytes;

    template <class T> void number(T value)
    {
        std::array<char, sizeof value> raw;
        std::memcpy(raw.data(), &value, sizeof value);
        bytes.append(raw.data(), raw.size());
    }
    template <class Enum> void choice(Enum value, Enum) { number(static_cast<std::uint8_t>(value)); }
    void flag(bool value) { number(std::uint8_t{value}); }
    void small(std::uint8_t value, std::uint8_t) { number(value); }
    void time(duration value) { number(value.count()); }
    void text(const std::string& value)
    {
        number(static_cast<std::uint32_t>(value.size()));
        bytes += value;
    }
};

struct byte_reader {
    std::string_view left;
    const char* problem = nullptr; // the first one; what is read after it means nothing

    void refuse(const char* why)
    {
        if (problem == nullptr) problem = why;
    }
    template <class T> void number(T& value)
    {
        if (left.size() < sizeof value) return refuse("too short");
        std::memcpy(&value, left.data(), sizeof value);
        left.remove_prefix(sizeof value);
    }
    void small(std::uint8_t& value, std::uint8_t highest)
    {
        number(value);
        if (value > highest) refuse("a number out of range");
    }
    template <class Enum> void choice(Enum& value, Enum last)
    {
        std::uint8_t read = 0;
        small(read, static_cast<std::uint8_t>(last));
        value = static_cast<Enum>(read);
    }
    void flag(bool& value)
    {
        std::uint8_t read = 0;
        small(read, 1);
        value = read != 0;
    }
    void time(duration& value)
    {
        duration::rep read = 0;
        number(read);
        if (read < 0) refuse("a time out of range");
        value = duration(read);
    }
    void text(std::string& value)
    {
        std::uint32_t size = 0;
        number(size);
        if (problem != nullptr) return;
        if (size > max_text_size) return refuse("a text of this length");
        if (size > left.size()) return refuse("too short");
        value = left.substr(0, size);
        left.remove_prefix(size);
        if (value.find('\0') != std::string::npos) refuse("a NUL in a text");
    }
};

} // namespace

std::string to_bytes(const stream_settings& s)
{
    byte_writer out;
    visit_members(s, out);
    return std::move(out.bytes);
}

result<stream_settings> settings_from_bytes(std::string_view bytes)
{
    stream_settings s;
    byte_reader in{bytes};
    visit_members(s, in);
    if (in.problem == nullptr && !in.left.empty()) in.refuse("too long");
    if (in.problem == nullptr && s.path.empty()) in.refuse("no path");
    if (in.problem == nullptr && s.tail_size > log_settings::max_tail_size)
        in.refuse("a number out of range");
    if (in.problem != nullptr)
        return make_error(std::string("cannot read a stream's settings: ") + in.problem);
    return s;
}

} // namespace procctl::output
