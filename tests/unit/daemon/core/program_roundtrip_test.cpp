// Property: what is written in the canonical form is read back as the same program, for any program.
#include "common/resource_limit.h"
#include "daemon/core/command_line.h"
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"

#include <initializer_list>
#include <random>

using namespace procctl;

namespace {

// Programs at random, from a seed that a failure names.
class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    program_config program()
    {
        program_config p;
        p.name = "p" + std::to_string(number(0, 99));
        p.type = pick({service_type::simple, service_type::exec, service_type::oneshot});
        const bool is_oneshot = p.type == service_type::oneshot;
        p.restart = is_oneshot ? pick({restart_mode::no, restart_mode::on_failure, restart_mode::on_watchdog})
                               : pick({restart_mode::no, restart_mode::always, restart_mode::on_abort});
        p.timeout_start = is_oneshot && maybe() ? infinity : time();
        for (int n = number(1, is_oneshot ? 3 : 1); n > 0; --n)
            p.exec_start.push_back(a_command());
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
        if (maybe()) p.log_path = "/var/log/%n " + word();
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
    for (unsigned seed = 0; seed < 500; ++seed) {
        const program_config program = generator(seed).program();
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
}
