#include "ctl/command_line.h"

#include "ctl/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

namespace procctl::ctl {
namespace {

std::vector<std::string> split_choices(std::string_view text)
{
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = text.find(", ");
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    }
    return out;
}

void add_option(CLI::App& app, const option_spec& spec, options& into)
{
    const std::string flags(spec.flags);
    CLI::Option* const option = std::visit(
        [&](auto field) -> CLI::Option* {
            if constexpr (std::is_same_v<decltype(field), bool options::*>)
                return app.add_flag(flags, into.*field);
            else
                return app.add_option(flags, into.*field);
        },
        spec.field);
    // A list takes one value each time it is given, or the names that follow would be its too.
    if (std::holds_alternative<std::vector<std::string> options::*>(spec.field))
        option->allow_extra_args(false)->delimiter(',');
    if (!spec.choices.empty()) option->check(CLI::IsMember(split_choices(spec.choices)));
}

void add_names(CLI::App& app, const command& c, options& into)
{
    if (c.takes == names::none) return;
    app.add_option("names", into.names);
}

// "daemon status" is the command `status` of the command `daemon`.
CLI::App* add_command(CLI::App& app, const command& c, std::map<std::string, CLI::App*>& groups)
{
    const std::size_t space = c.name.find(' ');
    if (space == std::string_view::npos) return app.add_subcommand(std::string(c.name));
    CLI::App*& group = groups[std::string(c.name.substr(0, space))];
    if (group == nullptr) {
        group = app.add_subcommand(std::string(c.name.substr(0, space)));
        group->set_help_flag();
        group->fallthrough()->require_subcommand(1);
    }
    return group->add_subcommand(std::string(c.name.substr(space + 1)));
}

early_end usage_error(const std::string& message, const command* c)
{
    const std::string of = c == nullptr ? "" : std::string(c->name) + ' ';
    return {exit_usage, "procctl: " + message + "\nSee `procctl " + of + "--help`.\n"};
}

// The first word that is neither an option nor the value of a global one: meant as a command.
std::string first_plain_word(const std::vector<std::string>& words)
{
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--socket" || words[i] == "-o" || words[i] == "--output")
            ++i;
        else if (!words[i].starts_with('-'))
            return words[i];
    }
    return {};
}

} // namespace

std::variant<parsed_command, early_end> parse_command_line(const std::vector<std::string>& words)
{
    parsed_command out;
    CLI::App app("", "procctl");
    app.set_help_flag();
    app.fallthrough();
    app.require_subcommand(0, 1);
    bool wants_help = false;
    bool wants_version = false;
    app.add_flag("-h,--help", wants_help);
    app.add_flag("--version", wants_version);
    for (const option_spec& spec : global_options())
        add_option(app, spec, out.opts);
    app.get_option("--user")->excludes("--system");

    std::map<const CLI::App*, const command*> known;
    std::map<std::string, CLI::App*> groups;
    for (const command& c : commands()) {
        CLI::App* const sub = add_command(app, c, groups);
        sub->set_help_flag();
        sub->fallthrough();
        for (const option_spec& spec : c.own_options)
            add_option(*sub, spec, out.opts);
        add_names(*sub, c, out.opts);
        known[sub] = &c;
    }

    std::string complaint;
    try {
        std::vector<std::string> reversed(words.rbegin(), words.rend());
        app.parse(std::move(reversed));
    } catch (const CLI::ParseError& e) {
        complaint = e.what();
    }
    for (const auto& [sub, c] : known)
        if (sub->parsed()) out.what = c;
    // Help counts also where something else is wrong: it is what one wants then.
    const auto is_given = [&](std::string_view flag) {
        return std::ranges::find(words, flag) != words.end();
    };
    if (wants_help || (!complaint.empty() && (is_given("--help") || is_given("-h"))))
        return early_end{exit_done, out.what == nullptr ? help_text() : help_text(*out.what)};
    if (wants_version) return early_end{exit_done, "procctl " PROCCTL_VERSION "\n"};
    if (words.empty()) return early_end{exit_usage, help_text()};
    if (out.what == nullptr) {
        const std::string word = first_plain_word(words);
        if (word.empty() && complaint.empty()) complaint = "no command is given";
        if (groups.contains(word)) return usage_error('\'' + word + "' needs to be told what to do", nullptr);
        if (!word.empty()) return usage_error("there is no command '" + word + '\'', nullptr);
    }
    if (!complaint.empty()) return usage_error(complaint, out.what);
    if (out.what->takes == names::required && out.opts.names.empty())
        return usage_error(std::string(out.what->name) + " needs a NAME", out.what);
    return out;
}

} // namespace procctl::ctl
