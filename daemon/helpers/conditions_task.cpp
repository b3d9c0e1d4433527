// condition_path_exists and assert_path_exists: looked at here, in a helper, because a path may lead to a
// disk that hangs.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <boost/json.hpp>

#include <iostream>
#include <optional>

#include <unistd.h>

namespace procctl {
namespace {

namespace json = boost::json;

constexpr std::string_view condition_prefix = "condition=";
constexpr std::string_view assert_prefix = "assert=";

// As in a unit file: "|!/run/web".
std::string to_text(const path_condition& c)
{
    return std::string(c.is_trigger ? "|" : "") + (c.is_negated ? "!" : "") + c.path;
}

path_condition from_text(std::string_view text)
{
    path_condition c;
    const auto take = [&](char prefix) {
        if (!text.starts_with(prefix)) return false;
        text.remove_prefix(1);
        return true;
    };
    c.is_trigger = take('|');
    c.is_negated = take('!');
    c.path = text;
    return c;
}

// Follows links, as systemd does: one that leads nowhere does not exist.
bool holds(const path_condition& c) { return (::access(c.path.c_str(), F_OK) == 0) != c.is_negated; }

// The first that decides against the list; empty when it is met. All that are no triggers must hold, and one
// of the triggers, if there are any.
std::optional<path_condition> find_unmet(std::span<const path_condition> list)
{
    std::optional<path_condition> untriggered;
    bool is_triggered = false;
    for (const path_condition& c : list) {
        if (c.is_trigger) {
            is_triggered = is_triggered || holds(c);
            if (!untriggered) untriggered = c;
        } else if (!holds(c)) {
            return c;
        }
    }
    return is_triggered ? std::nullopt : untriggered;
}

} // namespace

std::vector<std::string> conditions_task(std::span<const path_condition> conditions,
                                         std::span<const path_condition> asserts)
{
    std::vector<std::string> task{"conditions"};
    for (const path_condition& c : conditions)
        task.push_back(std::string(condition_prefix) + to_text(c));
    for (const path_condition& c : asserts)
        task.push_back(std::string(assert_prefix) + to_text(c));
    return task;
}

int run_conditions_task(std::span<const std::string> arguments)
{
    std::vector<path_condition> conditions;
    std::vector<path_condition> asserts;
    for (const std::string_view argument : arguments) {
        if (argument.starts_with(condition_prefix))
            conditions.push_back(from_text(argument.substr(condition_prefix.size())));
        else if (argument.starts_with(assert_prefix))
            asserts.push_back(from_text(argument.substr(assert_prefix.size())));
    }
    // A start whose conditions are not met is skipped, and then nobody asks for the asserts.
    const auto condition = find_unmet(conditions);
    const auto unmet = condition ? condition : find_unmet(asserts);
    std::cout << json::object{{"condition_met", !condition},
                              {"assert_met", condition || !unmet},
                              {"unmet", unmet ? to_text(*unmet) : ""}}
              << std::flush;
    return std::cout ? 0 : 1;
}

result<conditions_answer> conditions_answer_from_json(std::string_view text)
try {
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()));
    return conditions_answer{.condition_met = parsed.at("condition_met").as_bool(),
                             .assert_met = parsed.at("assert_met").as_bool(),
                             .unmet = json::value_to<std::string>(parsed.at("unmet"))};
} catch (const std::exception& failure) {
    return make_error(std::string("cannot understand a helper's answer: ") + failure.what());
}

} // namespace procctl
