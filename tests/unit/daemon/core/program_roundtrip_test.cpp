// Property: what is written in the canonical form is read back as the same program, for any program.
#include "common/resource_limit.h"
#include "daemon/core/command_line.h"
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <random>
#include <tuple>

using namespace procctl;

namespace {

// Every field of a program. The bindings name each of them, so that a new one cannot be forgotten here: then
// this no longer compiles.
auto fields_of(const program_config& p)
{
    const auto& [name, description, type, exit, exec_condition, exec_start_pre, exec_start, exec_start_post,
                 exec_reload, exec_stop, exec_stop_post, condition_path_exists, assert_path_exists, pid_file,
                 guess_main_pid, instances, autostart, tags, user, group, supplementary_groups,
                 working_directory, working_directory_optional, umask, environment, environment_files, nice,
                 limits, oom_score_adjust, ignore_sigpipe, restart, restart_sec, start_limit_interval,
                 start_limit_burst, restart_steps, restart_max_delay, restart_reset, success_exit_status,
                 restart_prevent_exit_status, restart_force_exit_status, remain_after_exit, timeout_start,
                 timeout_stop, timeout_abort, runtime_max, runtime_randomized_extra, timeout_start_failure,
                 timeout_stop_failure, notify, watchdog, watchdog_signal, reload_signal,
                 file_descriptor_store_max, kill, kill_signal, restart_kill_signal, final_kill_signal,
                 send_sigkill, send_sighup, success_action, failure_action, start_limit_action,
                 success_action_exit_status, failure_action_exit_status, on_success, on_failure, log,
                 standard_output, standard_error, standard_input, standard_input_data, on_log_error,
                 syslog_identifier, syslog_facility, syslog_level, syslog_level_prefix] = p;
    return std::tie(
        name, description, type, exit, exec_condition, exec_start_pre, exec_start, exec_start_post,
        exec_reload, exec_stop, exec_stop_post, condition_path_exists, assert_path_exists, pid_file,
        guess_main_pid, instances, autostart, tags, user, group, supplementary_groups, working_directory,
        working_directory_optional, umask, environment, environment_files, nice, limits, oom_score_adjust,
        ignore_sigpipe, restart, restart_sec, start_limit_interval, start_limit_burst, restart_steps,
        restart_max_delay, restart_reset, success_exit_status, restart_prevent_exit_status,
        restart_force_exit_status, remain_after_exit, timeout_start, timeout_stop, timeout_abort, runtime_max,
        runtime_randomized_extra, timeout_start_failure, timeout_stop_failure, notify, watchdog,
        watchdog_signal, reload_signal, file_descriptor_store_max, kill, kill_signal, restart_kill_signal,
        final_kill_signal, send_sigkill, send_sighup, success_action, failure_action, start_limit_action,
        success_action_exit_status, failure_action_exit_status, on_success, on_failure, log, standard_output,
        standard_error, standard_input, standard_input_data, on_log_error, syslog_identifier, syslog_facility,
        syslog_level, syslog_level_prefix);
}
using fields = decltype(fields_of(std::declval<const program_config&>()));
constexpr std::size_t field_count = std::tuple_size_v<fields>;

// Counts in which fields the two differ.
template <std::size_t N = 0>
void count_differences(const fields& a, const fields& b, std::array<int, field_count>& counts)
{
    if constexpr (N < field_count) {
        if (std::get<N>(a) != std::get<N>(b)) ++counts[N];
        count_differences<N + 1>(a, b, counts);
    }
}

// Programs at random, from a seed that a failure names.
class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    program_config program()
    {
        program_config p;
        p.name = "p" + std::to_string(number(0, 99));
        p.type = pick({service_type::simple, service_type::exec, service_type::forking, service_type::oneshot,
                       service_type::notify, service_type::notify_reload});
        const bool is_oneshot = p.type == service_type::oneshot;
        p.restart = is_oneshot ? pick({restart_mode::no, restart_mode::on_failure, restart_mode::on_watchdog})
                               : pick({restart_mode::no, restart_mode::always, restart_mode::on_abort});
        p.timeout_start = is_oneshot && maybe() ? infinity : time();
        p.exec_start = commands(1, is_oneshot ? 3 : 1);
        for (std::vector<command>* const list : {&p.exec_condition, &p.exec_start_pre, &p.exec_start_post,
                                                 &p.exec_reload, &p.exec_stop, &p.exec_stop_post})
            *list = commands(0, 3);
        if (!is_oneshot) p.exit = pick({exit_type::main, exit_type::cgroup});
        p.condition_path_exists = conditions();
        p.assert_path_exists = conditions();
        if (maybe()) p.pid_file = pick<std::string>({"/run/x", "%t/%n.pid", "%S/a b"});
        p.guess_main_pid = maybe();
        if (maybe()) p.description = text();
        if (maybe()) p.instances = static_cast<unsigned>(number(1, 1000));
        p.autostart = maybe();
        for (int n = number(0, 3); n > 0; --n)
            p.tags.push_back(word());
        if (maybe()) p.user = word();
        if (maybe()) p.group = std::to_string(number(0, 65534));
        for (int n = number(0, 3); n > 0; --n)
            p.supplementary_groups.push_back(word());
        if (maybe()) p.working_directory = pick<std::string>({"~", "/", "/srv/%i", "/a b"});
        p.working_directory_optional = !p.working_directory.empty() && maybe();
        p.umask = static_cast<unsigned>(number(0, 0777));
        for (int n = number(0, 4); n > 0; --n)
            p.environment.emplace_back("V" + std::to_string(n), text());
        for (int n = number(0, 2); n > 0; --n)
            p.environment_files.push_back({"/etc/" + word(), maybe()});
        if (maybe()) p.nice = number(-20, 19);
        if (maybe()) p.oom_score_adjust = number(-1000, 1000);
        p.ignore_sigpipe = maybe();
        p.restart_sec = time();
        p.start_limit_interval = time();
        p.start_limit_burst = static_cast<unsigned>(number(0, 9));
        for (exit_status_set* const set :
             {&p.success_exit_status, &p.restart_prevent_exit_status, &p.restart_force_exit_status}) {
            for (int n = number(0, 4); n > 0; --n)
                set->add_code(number(0, 255));
            for (int n = number(0, 4); n > 0; --n)
                set->add_signal(pick({number(1, 31), number(34, 64)}));
        }
        p.remain_after_exit = maybe();
        p.timeout_stop = maybe() ? infinity : later_than_zero(time());
        p.timeout_start = later_than_zero(p.timeout_start);
        if (!is_oneshot) p.runtime_max = maybe() ? infinity : time();
        p.kill = pick({kill_mode::control_group, kill_mode::mixed, kill_mode::process, kill_mode::none});
        p.kill_signal = number(1, 64);
        if (maybe()) p.restart_kill_signal = number(1, 64);
        p.final_kill_signal = number(1, 64);
        p.send_sigkill = maybe();
        p.send_sighup = maybe();
        restart_growth(p);
        if (maybe()) p.timeout_abort = maybe() ? infinity : time();
        p.runtime_randomized_extra = time();
        const auto mode = [&] {
            using enum timeout_failure_mode;
            return pick({terminate, abort, kill});
        };
        p.timeout_start_failure = mode();
        p.timeout_stop_failure = mode();
        p.notify = pick({notify_access::none, notify_access::main, notify_access::exec, notify_access::all});
        p.watchdog = time();
        p.watchdog_signal = number(1, 64);
        p.reload_signal = number(1, 64);
        p.file_descriptor_store_max = static_cast<unsigned>(number(0, 4096));
        for (emergency_action* const action : {&p.success_action, &p.failure_action, &p.start_limit_action})
            *action = pick({emergency_action::none, emergency_action::exit});
        if (maybe()) p.success_action_exit_status = number(0, 255);
        if (maybe()) p.failure_action_exit_status = number(0, 255);
        for (std::vector<std::string>* const names : {&p.on_success, &p.on_failure})
            for (int n = number(0, 3); n > 0; --n)
                names->push_back(word() + (maybe() ? "@1" : ""));
        streams(p);
        for (int resource = 0; resource < static_cast<int>(limit_names().size()); ++resource)
            if (number(0, 4) == 0) p.limits.push_back(limit(*find_limit(resource)));
        return p;
    }

private:
    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    bool maybe() { return number(0, 1) == 1; }
    template <class T> T pick(std::initializer_list<T> from)
    {
        return from.begin()[number(0, static_cast<int>(from.size()) - 1)];
    }
    std::string word() { return pick<std::string>({"a", "b-c", "x_1", "Web.2"}); }
    // Valid UTF-8 with everything that quoting could trip over, and no specifier that is unknown.
    std::string text()
    {
        std::string made;
        for (int n = number(0, 8); n > 0; --n)
            made += pick<std::string>({"a",  " ",  "'", "\"", "\\", "\n", "\t", "ä",    "😀",   "%%",
                                       "%i", "$$", ";", "#",  ": ", "=",  "-",  "\x01", "yes", "0"});
        return made;
    }
    std::vector<command> commands(int least, int most)
    {
        std::vector<command> made;
        for (int n = number(least, most); n > 0; --n)
            made.push_back(a_command());
        return made;
    }
    std::vector<path_condition> conditions()
    {
        std::vector<path_condition> made;
        for (int n = number(0, 3); n > 0; --n)
            made.push_back({pick<std::string>({"/a", "%t/b c", "/%i!|"}), maybe(), maybe()});
        return made;
    }
    // A longest delay below the first one would be lowered.
    void restart_growth(program_config& p)
    {
        if (maybe()) p.restart_max_delay = std::max(time(), p.restart_sec);
        p.restart_steps = static_cast<unsigned>(number(0, 9));
        if (maybe()) p.restart_reset = time();
    }
    std::string path(std::string_view folder) { return std::string(folder) + "/%n " + word(); }
    std::uint64_t size() { return static_cast<std::uint64_t>(number(4096, 1 << 30)); }
    output_choice output(const std::string& folder)
    {
        using enum output_kind;
        const output_kind kind = pick({inherit, log, log, journal, syslog, null, file, append, truncate});
        return {kind, kind == file || kind == append || kind == truncate ? path(folder) : ""};
    }
    void streams(program_config& p)
    {
        p.standard_output = output("/out");
        p.standard_error = output("/err");
        p.on_log_error = pick({log_error_action::wait, log_error_action::drop});
        p.syslog_identifier = pick<std::string>({"", "%p", "ä b"});
        p.syslog_facility = number(0, 23);
        p.syslog_level = number(0, 7);
        p.syslog_level_prefix = maybe();
        log_settings& log = p.log;
        if (maybe()) log.path = path("/var/log");
        if (maybe() && p.standard_error.kind == output_kind::log) log.stderr_path = path("/var/err");
        log.max_size = maybe() ? log.max_size : size();
        log.keep = static_cast<unsigned>(number(0, 10000));
        log.max_total_size = maybe() ? unlimited_size : log.max_size + size();
        log.max_age = maybe() ? infinity : time() + std::chrono::seconds(1);
        log.compress = pick({log_compression::none, log_compression::gzip});
        log.timestamps = pick({log_timestamps::none, log_timestamps::iso, log_timestamps::local});
        log.format = pick({log_format::raw, log_format::json});
        log.mode = static_cast<unsigned>(number(0, 0777)) | 0200U;
        if (maybe()) log.user = word();
        if (maybe()) log.group = std::to_string(number(0, 65534));
        log.tail_size = static_cast<unsigned>(number(0, log_settings::max_tail_size));
        input(p);
    }
    void input(program_config& p)
    {
        p.standard_input.kind = pick({input_kind::null, input_kind::file, input_kind::data});
        if (p.standard_input.kind == input_kind::file) p.standard_input.path = path("/in");
        if (p.standard_input.kind != input_kind::data) return;
        for (int n = number(0, 3); n > 0; --n)
            p.standard_input_data += text() + '\n';
        const bool has_bytes = p.standard_input_data.empty() || maybe(); // behind the last line
        for (int n = has_bytes ? number(1, 9) : 0; n > 0; --n) {
            const char c = static_cast<char>(pick<int>({0, '%', 'a', 0xff, number(0, 255)}));
            if (c != '\n') p.standard_input_data.append(c == '%' ? 2 : 1, c);
        }
        if (p.standard_input_data.empty()) p.standard_input_data = "\n";
    }
    command a_command()
    {
        command c;
        c.argv.push_back(pick<std::string>({"/bin/x", "python3", "/opt/a b/c", "%h/run"}));
        c.ignore_failure = maybe();
        c.expand_variables = maybe();
        for (int n = number(0, 3); n > 0; --n)
            c.argv.push_back(text());
        return c;
    }
    duration time()
    {
        return duration(pick<std::int64_t>({0, 1, 999, 1000, 1500, 1'000'000, 1'500'000, 90'000'000,
                                            3'600'000'000, 86'400'000'001, number(0, 1 << 30)}));
    }
    static duration later_than_zero(duration d) { return d == duration{} ? duration(1) : d; }
    resource_limit limit(const limit_name& name)
    {
        const int most = name.key == "nice" ? 40 : 1 << 30;
        const auto soft = static_cast<std::uint64_t>(number(0, most));
        if (name.key == "nice" || maybe()) return {name.resource, soft, soft};
        return {name.resource, soft, unlimited_size};
    }

    std::mt19937 random_;
};

} // namespace

TEST_CASE("a program survives its canonical form", "[program_keys]")
{
    const program_config defaults;
    std::array<int, field_count> changed{}; // by field: in how many programs it is not the default
    for (unsigned seed = 0; seed < 500; ++seed) {
        const program_config program = generator(seed).program();
        count_differences(fields_of(program), fields_of(defaults), changed);
        const config_value written = format_program(program);
        const std::string json = to_json(written);
        CAPTURE(seed, json);
        const auto read = config_value_from_json(json);
        REQUIRE(read);
        CHECK(same_value(*read, written));
        diagnostics problems;
        const program_config again = parse_program(program.name, *read, "f", problems);
        for (const diagnostic& d : problems)
            if (d.level == severity::error) FAIL(d.text());
        REQUIRE(again == program);
    }
    for (std::size_t n = 0; n < field_count; ++n) { // the generator leaves no field as it is
        CAPTURE(n);
        CHECK(changed[n] > 0);
    }
}
