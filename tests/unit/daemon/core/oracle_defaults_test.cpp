// defaults.tsv: what a program is where nothing but its command is given, against `systemctl show` of such a
// service.
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/oracle.h"

#include <iostream>

using namespace procctl;
using namespace procctl::oracle;

namespace {

program_config program_of(const std::string& type)
{
    config_value keys;
    keys.type = config_value::kind::map;
    keys.entries.emplace_back(config_value::scalar("type"), config_value::scalar(type));
    keys.entries.emplace_back(config_value::scalar("exec_start"), config_value::scalar("/bin/true"));
    diagnostics found;
    program_config program = parse_program("oracle", keys, "test", found);
    for (const diagnostic& d : found)
        REQUIRE(d.level != severity::error);
    return program;
}

std::string yes_or_no(bool value) { return value ? "yes" : "no"; }
std::string text_of(auto value) { return std::string(to_text(value)); }
std::string time_or_infinity(duration d) { return d == duration{} ? "infinity" : format_duration(d); }

// As systemctl show spells it; nothing where we have no such key.
std::optional<std::string> property(const program_config& p, const std::string& name)
{
    if (name == "Type") return text_of(p.type);
    if (name == "ExitType") return text_of(p.exit);
    if (name == "Restart") return text_of(p.restart);
    if (name == "RestartUSec") return format_duration(p.restart_sec);
    if (name == "RemainAfterExit") return yes_or_no(p.remain_after_exit);
    if (name == "TimeoutStartUSec") return format_duration(p.timeout_start);
    if (name == "TimeoutStopUSec") return format_duration(p.timeout_stop);
    if (name == "TimeoutAbortUSec") return format_duration(p.timeout_abort.value_or(p.timeout_stop));
    if (name == "TimeoutStartFailureMode") return text_of(p.timeout_start_failure);
    if (name == "TimeoutStopFailureMode") return text_of(p.timeout_stop_failure);
    if (name == "RuntimeMaxUSec") return format_duration(p.runtime_max);
    if (name == "RuntimeRandomizedExtraUSec") return format_duration(p.runtime_randomized_extra);
    if (name == "WatchdogUSec") return time_or_infinity(p.watchdog);
    if (name == "WatchdogSignal") return std::to_string(p.watchdog_signal);
    if (name == "NotifyAccess") return text_of(effective_notify_access(p));
    if (name == "GuessMainPID") return yes_or_no(p.guess_main_pid);
    if (name == "PIDFile") return p.pid_file;
    if (name == "SuccessExitStatus") return p.success_exit_status.format();
    if (name == "RestartPreventExitStatus") return p.restart_prevent_exit_status.format();
    if (name == "RestartForceExitStatus") return p.restart_force_exit_status.format();
    if (name == "StartLimitIntervalUSec") return format_duration(p.start_limit_interval);
    if (name == "StartLimitBurst") return std::to_string(p.start_limit_burst);
    if (name == "StartLimitAction") return text_of(p.start_limit_action);
    if (name == "FailureAction") return text_of(p.failure_action);
    if (name == "SuccessAction") return text_of(p.success_action);
    if (name == "KillMode") return text_of(p.kill);
    if (name == "KillSignal") return std::to_string(p.kill_signal);
    if (name == "RestartKillSignal") return std::to_string(p.restart_kill_signal.value_or(p.kill_signal));
    if (name == "FinalKillSignal") return std::to_string(p.final_kill_signal);
    if (name == "SendSIGKILL") return yes_or_no(p.send_sigkill);
    if (name == "SendSIGHUP") return yes_or_no(p.send_sighup);
    if (name == "IgnoreSIGPIPE") return yes_or_no(p.ignore_sigpipe);
    return std::nullopt;
}

} // namespace

TEST_CASE("every default is systemd's", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    std::set<std::string> without_key;
    for (const row& r : read_table("defaults")) {
        const std::string& name = r.at("property");
        if (name.starts_with('(')) continue; // what it was measured on
        for (const std::string type : {"simple", "oneshot", "notify", "forking"}) {
            if (const auto ours = property(program_of(type), name)) {
                compared.compare(name, type, r.at(type), *ours);
                ids.insert(name);
            } else {
                without_key.insert(name);
            }
        }
    }
    std::cout << compared.summary("defaults", ids.size()) << "; without a key: " << without_key.size()
              << '\n';
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 32);
    CHECK(without_key == std::set<std::string>{"CollectMode", "OOMPolicy", "RootDirectoryStartOnly"});
    CHECK(compared.values_compared() == 128);
}
