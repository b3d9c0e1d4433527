#include "daemon/control/request_target.h"

#include <optional>

namespace procctl {
namespace {

std::optional<unsigned> hex_digit(char c)
{
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return {};
}

enum class plus { literal, means_space }; // a form's '+' is a space in the query, never in the path

result<std::string> decode(std::string_view text, plus mode)
{
    std::string out;
    while (!text.empty()) {
        char c = text.front();
        std::size_t used = 1;
        if (c == '%') {
            const auto high = text.size() > 2 ? hex_digit(text[1]) : std::nullopt;
            const auto low = text.size() > 2 ? hex_digit(text[2]) : std::nullopt;
            if (!high || !low)
                return make_error("'%' in the request's target is not followed by two hex digits");
            c = static_cast<char>(*high * 16 + *low);
            used = 3;
        } else if (c == '+' && mode == plus::means_space) {
            c = ' ';
        }
        if (c == '\0') return make_error("the request's target holds a NUL byte");
        out += c;
        text.remove_prefix(used);
    }
    return out;
}

// The text up to the separator; removes both from `rest`.
std::string_view next_part(std::string_view& rest, char separator)
{
    const std::size_t end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
}

} // namespace

std::vector<std::string> request_target::all(std::string_view name) const
{
    std::vector<std::string> out;
    for (const auto& [key, value] : parameters)
        if (key == name) out.push_back(value);
    return out;
}

const std::string* request_target::find(std::string_view name) const
{
    const std::string* last = nullptr;
    for (const auto& [key, value] : parameters)
        if (key == name) last = &value;
    return last;
}

result<request_target> parse_request_target(std::string_view target)
{
    if (!target.starts_with('/')) return make_error("the request's target is not a path");
    request_target out;
    std::string_view query = target;
    std::string_view path = next_part(query, '?').substr(1);
    while (!path.empty()) {
        auto segment = decode(next_part(path, '/'), plus::literal);
        if (!segment) return segment.error();
        if (segment->empty()) return make_error("the request's target has an empty part");
        out.segments.push_back(std::move(*segment));
    }
    while (!query.empty()) {
        std::string_view value = next_part(query, '&');
        if (value.empty()) continue;
        auto name = decode(next_part(value, '='), plus::means_space);
        if (!name) return name.error();
        auto decoded = decode(value, plus::means_space);
        if (!decoded) return decoded.error();
        out.parameters.emplace_back(std::move(*name), std::move(*decoded));
    }
    return out;
}

} // namespace procctl
