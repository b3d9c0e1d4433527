#include "common/instance_name.h"

namespace procctl {
namespace {

constexpr std::size_t longest = 128; // bytes

constexpr bool is_first(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
constexpr bool is_later(char c) { return is_first(c) || c == '.' || c == '-'; }

result<void> check_part(std::string_view part, std::string_view whole)
{
    const auto wrong = [&](const std::string& why) {
        return make_error("invalid name '" + std::string(whole) + "': " + why);
    };
    if (part.empty()) return wrong(whole.empty() ? "it is empty" : "a part of it is empty");
    if (!is_first(part.front())) return wrong("it must begin with a letter, a digit or '_'");
    for (const char c : part)
        if (!is_later(c)) return wrong("allowed are letters, digits, '_', '.' and '-'");
    if (whole.size() > longest) return wrong("it is longer than 128 bytes");
    return {};
}

// Matches one [set] that begins behind the '[' of the pattern. Answers where the pattern goes on, or npos
// when the set has no end: then '[' is an ordinary character, as in fnmatch(3).
std::size_t match_set(std::string_view set, char c, bool& matches)
{
    std::size_t at = 0;
    const bool negated = at < set.size() && (set[at] == '!' || set[at] == '^');
    if (negated) ++at;
    bool found = false;
    for (const std::size_t first = at; at < set.size(); ++at) {
        if (set[at] == ']' && at > first) {
            matches = found != negated;
            return at + 1;
        }
        if (at + 2 < set.size() && set[at + 1] == '-' && set[at + 2] != ']') {
            found |= set[at] <= c && c <= set[at + 2];
            at += 2;
        } else {
            found |= set[at] == c;
        }
    }
    return std::string_view::npos;
}

} // namespace

result<void> check_program_name(std::string_view name)
{
    if (name.find('@') != std::string_view::npos)
        return make_error("invalid name '" + std::string(name) +
                          "': '@' only separates the instance; write `instances: N`");
    if (name == "all") return make_error("invalid name 'all': in a command it means every program");
    return check_part(name, name);
}

result<instance_name> parse_instance_name(std::string_view text)
{
    const auto at = text.find('@');
    if (at == std::string_view::npos) {
        if (auto checked = check_program_name(text); !checked) return checked.error();
        return instance_name{std::string(text), {}};
    }
    const std::string_view program = text.substr(0, at);
    const std::string_view part = text.substr(at + 1);
    if (auto checked = check_part(program, text); !checked) return checked.error();
    if (program == "all") return check_program_name(program).error();
    if (auto checked = check_part(part, text); !checked) return checked.error();
    return instance_name{std::string(program), std::string(part)};
}

bool glob_matches(std::string_view pattern, std::string_view name)
{
    // When a later character does not match, only the last '*' need take one character more: what stands
    // before it has matched already. So the time is at most the product of the lengths.
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_name = 0;
    while (n < name.size()) {
        std::size_t next = std::string_view::npos;
        if (p < pattern.size()) {
            const char c = pattern[p];
            if (c == '*') {
                star = p++;
                star_name = n;
                continue;
            }
            bool matches = c == '?' || c == name[n];
            next = p + 1;
            if (c == '[') {
                bool in_set = false;
                if (const auto length = match_set(pattern.substr(p + 1), name[n], in_set);
                    length != std::string_view::npos) {
                    matches = in_set;
                    next = p + 1 + length;
                }
            }
            if (!matches) next = std::string_view::npos;
        }
        if (next != std::string_view::npos) {
            p = next;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++star_name;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool is_glob(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

} // namespace procctl
