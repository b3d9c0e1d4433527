#include "daemon/config/check.h"

#include <algorithm>
#include <ostream>
#include <set>

namespace procctl {
namespace {

// "1 file", "3 files".
std::string counted(std::size_t n, std::string_view noun)
{
    return std::to_string(n) + ' ' + std::string(noun) + (n == 1 ? "" : "s");
}

} // namespace

int check_main(const load_request& request, std::ostream& out, std::ostream& err)
{
    const load_result loaded = load(request);
    std::size_t errors = 0;
    std::size_t warnings = 0;
    std::set<std::string> wrong_files;
    for (const diagnostic& problem : loaded.problems) {
        err << problem.text() << '\n';
        if (problem.level == severity::warning)
            ++warnings;
        else
            ++errors;
        if (problem.level == severity::error && !problem.where.file.empty())
            wrong_files.insert(problem.where.file);
    }
    if (errors > 0) {
        err << counted(errors, "error");
        if (!wrong_files.empty()) err << " in " << counted(wrong_files.size(), "file");
        if (warnings > 0) err << ", " << counted(warnings, "warning");
        err << '\n';
        return 1;
    }
    out << counted(loaded.files.size(), "file") << ", " << counted(loaded.programs.size(), "program")
        << ": ok";
    if (warnings > 0) out << ", " << counted(warnings, "warning");
    out << '\n';
    return 0;
}

} // namespace procctl
