#include "ctl/help.h"

#include "ctl/handlers.h"

#include <algorithm>
#include <ostream>

namespace procctl::ctl {
namespace {

constexpr std::size_t page_width = 79;

// Words wrapped at the page's width, every line after the first indented.
std::string wrapped(std::string_view text, std::size_t indent)
{
    std::string out;
    std::size_t column = indent;
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(" \n");
        const std::string_view word = text.substr(0, end);
        const bool fits = column + columns(word) + 1 <= page_width;
        if (column > indent && !fits) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += columns(word);
        if (end == std::string_view::npos) break;
        if (text[end] == '\n') {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        }
        text.remove_prefix(end + 1);
    }
    return out + '\n';
}

std::string entry(std::string_view left, std::string_view right)
{
    static constexpr std::size_t left_width = 26;
    return padded("  " + std::string(left), left_width) + wrapped(right, left_width);
}

std::string option_text(const option_spec& option)
{
    const std::size_t comma = option.flags.find(',');
    std::string left =
        comma == std::string_view::npos ? "    " : std::string(option.flags.substr(0, comma)) + ", ";
    left += option.flags.substr(comma == std::string_view::npos ? 0 : comma + 1);
    if (!option.value.empty()) left += ' ' + std::string(option.value);
    return entry(left, option.help);
}

// Without those that the command has its own idea of.
std::string options_text(std::string_view title, std::span<const option_spec> options,
                         std::span<const option_spec> but = {})
{
    std::string out = '\n' + std::string(title) + ":\n";
    for (const option_spec& option : options)
        if (std::ranges::find(but, option.flags, &option_spec::flags) == but.end())
            out += option_text(option);
    return out;
}

} // namespace

std::string help_text()
{
    std::string out = "Usage: procctl [OPTION…] COMMAND [ARGUMENT…]\n\n"
                      "Controls the programs that procctld supervises.\n\nCommands:\n";
    for (const command& c : commands())
        out += entry(std::string(c.name) + (c.arguments.empty() ? "" : " ") + std::string(c.arguments),
                     c.summary);
    out += '\n' + wrapped("A NAME is a program (worker: all its instances), an instance (worker@1), a "
                          "pattern (work*), a tag "
                          "(@batch) or all.",
                          0);
    out += options_text("Options, before or after the command", global_options());
    out += entry("-h, --help", "This text, or that of a command");
    out += entry("    --version", "The version of procctl");
    return out + "\nExit status:\n"
                 "  0 done              3 not active           5 no daemon answers\n"
                 "  1 failed            4 no such program      6 not permitted\n"
                 "  2 wrong usage\n";
}

std::string help_text(const command& c)
{
    std::string out = "Usage: procctl " + std::string(c.name) + " [OPTION…]";
    if (!c.arguments.empty()) out += ' ' + std::string(c.arguments);
    out += "\n\n" + wrapped(std::string(c.summary) + '.', 0);
    if (!c.text.empty()) out += '\n' + wrapped(c.text, 0);
    if (!c.own_options.empty()) out += options_text("Options", c.own_options);
    return out + options_text("Options of every command", global_options(), c.own_options);
}

// The words are those of a command, "daemon status", or of several: "daemon".
int run_help(session& s)
{
    std::string name;
    for (const std::string& word : s.opts.names)
        name += (name.empty() ? "" : " ") + word;
    std::string text = name.empty() ? help_text() : "";
    for (const command& c : commands())
        if (!name.empty() && (c.name == name || c.name.starts_with(name + ' ')))
            text += (text.empty() ? "" : "\n") + help_text(c);
    s.out << text;
    if (!text.empty()) return exit_done;
    s.err << "procctl: there is no command '" << printable(name) << "'\nSee `procctl --help`.\n";
    return exit_usage;
}

} // namespace procctl::ctl
