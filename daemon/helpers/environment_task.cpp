// Environment files: read here, in a helper, because a file may lie on a disk that hangs.
#include "daemon/core/environment_file.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <boost/json.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

#include <sys/stat.h>

namespace procctl {
namespace {

namespace json = boost::json;

// "-/etc/default/web" is a file that may be missing, "/etc/default/web" one that must be there.
std::string to_argument(const environment_file& f) { return (f.optional ? "-" : "") + f.path; }

result<std::string> read_file(const std::string& path)
{
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return last_error("cannot read environment file " + path);
    if (!S_ISREG(facts.st_mode))
        return make_error("cannot read environment file " + path + ": not a regular file");
    std::ifstream file(path);
    std::ostringstream text;
    if (!file || (facts.st_size > 0 && !(text << file.rdbuf())))
        return last_error("cannot read environment file " + path);
    return std::move(text).str();
}

void assign(environment& to, std::pair<std::string, std::string> variable)
{
    for (auto& [name, value] : to)
        if (name == variable.first) {
            value = std::move(variable.second);
            return;
        }
    to.push_back(std::move(variable));
}

} // namespace

std::vector<std::string> environment_task(std::span<const environment_file> files)
{
    std::vector<std::string> task{"environment"};
    for (const environment_file& f : files)
        task.push_back(to_argument(f));
    return task;
}

int run_environment_task(std::span<const std::string> arguments)
{
    environment_answer answer;
    for (const std::string& argument : arguments) {
        const bool optional = argument.starts_with('-');
        const std::string path = argument.substr(optional ? 1 : 0);
        const auto text = read_file(path);
        if (!text) {
            if (optional) continue;
            answer.missing = text.error().message();
            break;
        }
        diagnostics problems;
        for (auto& variable : parse_environment_file(*text, path, problems))
            assign(answer.variables, variable);
        for (const diagnostic& problem : problems)
            answer.complaints.push_back(problem.text());
    }

    json::array variables;
    for (const auto& [name, value] : answer.variables)
        variables.push_back(json::array{name, value});
    json::array complaints(answer.complaints.begin(), answer.complaints.end());
    std::cout << json::object{{"variables", variables},
                              {"missing", answer.missing},
                              {"complaints", complaints}}
              << std::flush;
    return std::cout ? 0 : 1;
}

result<environment_answer> environment_answer_from_json(std::string_view text)
try {
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()));
    environment_answer answer;
    answer.missing = json::value_to<std::string>(parsed.at("missing"));
    answer.complaints = json::value_to<std::vector<std::string>>(parsed.at("complaints"));
    for (const json::value& variable : parsed.at("variables").as_array())
        answer.variables.emplace_back(json::value_to<std::string>(variable.at(0)),
                                      json::value_to<std::string>(variable.at(1)));
    return answer;
} catch (const std::exception& failure) {
    return make_error(std::string("cannot understand a helper's answer: ") + failure.what());
}

} // namespace procctl
