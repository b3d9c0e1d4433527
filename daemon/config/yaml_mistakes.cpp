#include "daemon/config/yaml_mistakes.h"

#include <algorithm>

namespace procctl {
namespace {

constexpr auto npos = std::string_view::npos;

// Takes the first line off the text, and gives it without white space around it.
std::string_view take_line(std::string_view& text)
{
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == npos ? text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

// The next line that is neither empty nor a comment, as unit files have them; empty at the end.
std::string_view take_content(std::string_view& text)
{
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (!line.empty() && line.front() != '#' && line.front() != ';') return line;
    }
    return {};
}

bool is_section(std::string_view line)
{
    return line.size() > 2 && line.front() == '[' && line.find_first_of("[]{}\"',", 1) == line.size() - 1 &&
           line.back() == ']';
}

// The first byte of the scalar itself, behind what may stand before: its anchor and its tag.
std::size_t skip_properties(std::string_view text, std::size_t at)
{
    while (at < text.size()) {
        switch (text[at]) {
        case ' ':
        case '\t':
        case '\r':
        case '\n': ++at; break;
        case '#': at = text.find('\n', at); break;
        case '&':
        case '!': at = text.find_first_of(" \t\r\n", at); break;
        default: return at;
        }
    }
    return npos;
}

} // namespace

std::size_t find_unclosed_quote(std::string_view text, std::size_t scalar)
{
    const std::size_t opening = skip_properties(text, scalar);
    if (opening == npos || (text[opening] != '"' && text[opening] != '\'')) return npos;
    const char quote = text[opening];
    for (std::size_t at = opening + 1; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\')
            ++at;
        else if (text[at] == quote && quote == '\'' && text.substr(at + 1).starts_with(quote))
            ++at;
        else if (text[at] == quote)
            return npos;
    }
    return opening;
}

std::size_t find_ini_section(std::string_view text)
{
    std::string_view rest = text;
    const std::string_view section = take_content(rest);
    if (!is_section(section)) return npos;
    const std::string_view next = take_content(rest);
    const auto equals = next.find('=');
    const bool is_assignment = equals != npos && equals > 0 && next.find_first_of(":[{\"'") > equals;
    if (!is_assignment && !is_section(next)) return npos;
    return static_cast<std::size_t>(section.data() - text.data());
}

std::string explain_yaml_error(std::string message, std::string_view line, std::size_t column)
{
    const std::string_view indentation = line.substr(0, line.find_first_not_of(" \t"));
    if (indentation.find('\t') != std::string_view::npos)
        return "not valid YAML: a tab in the indentation; only blanks count there";
    message.insert(0, "not valid YAML: ");
    const std::string_view rest = column > 0 && column <= line.size() ? line.substr(column - 1) : line;
    if (!rest.empty() && std::string_view("%@`|").find(rest.front()) != std::string_view::npos)
        return message + "; a value that begins with " + rest.front() + " needs quotes";
    if (rest.starts_with('*'))
        return message + "; a value that begins with * needs quotes, unless it is an alias";
    if (message.find("in block scalar") != std::string::npos)
        return message +
               "; a value that begins with | or > needs quotes, unless it is a text of several lines";
    if (message.find("illegal map value") != std::string::npos)
        return message + "; a value that contains ': ' needs quotes";
    return message;
}

} // namespace procctl
