#include "daemon/options.h"

#include "daemon/config/reference.h"

#include <CLI/CLI.hpp>

namespace procctl {
namespace {

constexpr const char* footer = R"(
Without --config the settings are read from /etc/procctl/procctl.yaml (--system, root's default) or
$XDG_CONFIG_HOME/procctl/procctl.yaml (--user); a missing default file means defaults. A relative path in a settings
file is relative to that file.

Signals: SIGTERM and SIGINT stop all programs gracefully and end the daemon with status 0 (a second one kills what is
still there); SIGHUP re-reads the programs, as `procctl update` does.

Exit status: 0 stopped on request, or --check found no error; 1 could not start, or --check found errors; 2 usage.)";

} // namespace

daemon_command parse_daemon_options(int argc, const char* const* argv, bool is_root)
{
    CLI::App app("procctld: keeps programs running, by systemd's rules", "procctld");
    app.footer(footer);
    load_request request;
    bool is_user = false;
    bool is_system = false;
    bool checks = false;
    bool prints_version = false;
    bool prints_schema = false;
    bool prints_keys = false;
    app.add_option("-c,--config", request.settings_file, "The settings file")->type_name("FILE");
    auto* user = app.add_flag("--user", is_user, "Run for one user: paths below the XDG folders");
    app.add_flag("--system", is_system, "Run for the system: paths below /etc, /run, /var")->excludes(user);
    auto* check =
        app.add_flag("--check", checks, "Check the configuration, or the given program files, and exit");
    app.add_option("FILE", request.files, "With --check: files to check instead of conf.d")->needs(check);
    app.add_flag("--schema", prints_schema, "Print the JSON Schema of program files and exit");
    app.add_flag("--keys", prints_keys, "Print the reference of all program keys (Markdown) and exit");
    app.add_flag("-V,--version", prints_version, "Print the version and exit");
    app.set_help_flag("-h,--help", "Print this help and exit");

    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return print_command{app.help()};
    } catch (const CLI::ParseError& failure) {
        return usage_error{std::string("procctld: ") + failure.what() + "\nSee procctld --help.\n"};
    }
    request.where = is_user || (!is_system && !is_root) ? scope::user : scope::system;
    if (prints_version) return print_command{"procctld " PROCCTL_VERSION "\n"};
    if (prints_schema) return print_command{json_schema()};
    if (prints_keys) return print_command{reference_markdown()};
    if (checks) return check_command{std::move(request)};
    return run_command{std::move(request)};
}

} // namespace procctl
