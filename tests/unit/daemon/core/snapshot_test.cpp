#include "daemon/core/snapshot.h"
#include "tests/support/catch.h"
#include "tests/support/random_program.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    bool boolean() { return random_() % 2 == 0; }
    int number(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    std::uint64_t big() { return (std::uint64_t{random_()} << 32) | random_(); }
    template <class Enum> Enum one_of(std::initializer_list<Enum> all)
    {
        return *(all.begin() + number(static_cast<int>(all.size())));
    }

    // A value that the field can have.
    void fill(bool& to) { to = boolean(); }
    void fill(int& to) { to = number(100'000); }
    void fill(unsigned& to) { to = static_cast<unsigned>(number(100'000)); }
    void fill(std::uint64_t& to) { to = big(); }
    void fill(std::string& to) { to = one_of<std::string>({"", "as \"ever\"", "ü\n\\", "4 jobs waiting"}); }
    void fill(duration& to) { to = boolean() ? infinity : duration(number(1'000'000)); }
    void fill(time_point& to)
    {
        to = boolean() ? never : time_point(duration(static_cast<std::int64_t>(big() >> 2)));
    }
    void fill(wall_time& to) { to = wall_time(duration(static_cast<std::int64_t>(big() >> 2))); }
    void fill(process_end& to) { to = {static_cast<exit_code_kind>(number(4)), number(256)}; }
    void fill(spawn_failure& to) { to = {number(256), number(130)}; }
    void fill(invocation_id& to) { to = {big(), big()}; }
    void fill(start_limit_window& to) { fill_all(to.begin, to.starts); }
    void fill(failed_command& to) { fill_all(to.command, to.index, to.end, to.failure); }
    void fill(monitored_end& to)
    {
        to.unit = "worker@3";
        fill_all(to.result, to.exec_main, to.invocation);
    }
    template <class T> void fill(std::optional<T>& to)
    {
        to.reset();
        if (boolean()) fill(to.emplace());
    }
    // Enumerations: every enumerator from the first to the last.
    void fill(sub_state& to) { upto(to, sub_state::failed); }
    void fill(service_result& to) { upto(to, service_result::start_limit_hit); }
    void fill(time_limit& to) { upto(to, time_limit::watchdog); }
    void fill(exec_command& to) { upto(to, exec_command::stop_post); }
    void fill(notify_state& to) { upto(to, notify_state::stopping); }
    void fill(run_end& to)
    {
        fill_all(to.result, to.exec_main, to.at, to.invocation);
        to.output.clear();
        for (int n = number(300); n > 0; --n)
            to.output += static_cast<char>(number(256));
    }
    void fill(pending_job& to) { upto(to, pending_job::restart); }
    void fill(restart_reason& to) { upto(to, restart_reason::policy_stays); }

    template <class... Field> void fill_all(Field&... fields) { (fill(fields), ...); }

private:
    template <class Enum> void upto(Enum& to, Enum last)
    {
        to = static_cast<Enum>(number(static_cast<int>(last) + 1));
    }

    std::mt19937 random_;
};

// The bindings name every member, so that a new one cannot be forgotten here: then this no longer compiles.
instance_status random_status(generator& g)
{
    instance_status s;
    auto& [state, announced, result, reload_result, expired, culprit, main_pid, main_serial, is_main_known,
           is_main_alien, control_pid, control_serial, control_failure, control_command, control_index,
           main_index, last_serial, sought_serial, has_others, exec_main, exec_main_failure, invocation,
           monitored, notified, status_text, status_errno, notified_exit_status, watchdog_override,
           ignored_notifications, reload_begin, n_restarts, flush_n_restarts, delay_step, stop_requested,
           pending, start_job, stop_job, restart_job, reload_job, reload_again, check_serial,
           condition_failed, start_limit_refused, last_decision, start_limit, deadline, watchdog_deadline,
           active_since, state_change, active_enter, active_exit, inactive_enter, inactive_exit,
           exec_main_start, exec_main_exit, last_run] = s;
    g.fill_all(state, announced, result, reload_result, expired, culprit, main_pid, main_serial,
               is_main_known, is_main_alien, control_pid, control_serial, control_failure, control_command,
               control_index, main_index, last_serial, sought_serial, has_others, exec_main,
               exec_main_failure, invocation, monitored, notified, status_text, status_errno,
               notified_exit_status, watchdog_override, ignored_notifications, reload_begin, n_restarts,
               flush_n_restarts, delay_step, stop_requested, pending, start_job, stop_job, restart_job,
               reload_job, reload_again, check_serial, condition_failed, start_limit_refused, last_decision,
               start_limit, deadline, watchdog_deadline, active_since, state_change, active_enter,
               active_exit, inactive_enter, inactive_exit, exec_main_start, exec_main_exit, last_run);
    // What a process that is there stands for is a part of its program.
    s.main_index = g.boolean() ? 1 : 0;
    s.control_command = exec_command::start;
    s.control_index = g.boolean() ? 1 : 0;
    return s;
}

loaded_program random_program(generator& g)
{
    loaded_program p;
    p.config.name = g.boolean() ? "web" : "worker.2-x";
    p.config.type = service_type::oneshot;
    p.config.restart = g.one_of({restart_mode::no, restart_mode::on_failure, restart_mode::on_abort});
    p.config.timeout_start = infinity;
    p.config.exec_start = {{{"/bin/sh", "-c", "echo \"$HOME\"; exit %i"}, g.boolean()},
                           {{"/bin/true"}, false, g.boolean()}};
    p.config.environment = {{"A", "b c\n\t\"quoted\" \\ ü"}};
    p.config.instances = static_cast<unsigned>(g.number(3));
    p.config.restart_sec = duration(g.number(100'000'000));
    p.config.restart_force_exit_status.add_code(g.number(256));
    p.config.umask = 027;
    p.where = {"/etc/procctl/conf.d/web.yaml", g.number(100), g.number(100)};
    return p;
}

supervisor_snapshot random_snapshot(unsigned seed)
{
    generator g(seed);
    supervisor_snapshot snapshot{g.big(), g.big(), g.boolean(), {}};
    instance_snapshot i;
    i.program = random_program(g);
    i.number = i.program.config.instances;
    i.name = instance_name_of(i.program.config, i.number);
    i.status = random_status(g);
    if (g.boolean()) i.next_program = random_program(g);
    if (g.boolean()) {
        test::dice random(seed);
        i.next_program.emplace().config = test::random_program(random, "any", {"mailer"}, g.boolean());
    }
    i.removed = g.boolean();
    snapshot.instances.push_back(i);
    return snapshot;
}

std::string replaced(std::string text, const std::string& what, const std::string& with)
{
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

} // namespace

TEST_CASE("what is written is read back as it was, every field", "[snapshot]")
{
    for (unsigned seed = 0; seed < 500; ++seed) {
        CAPTURE(seed);
        const supervisor_snapshot before = random_snapshot(seed);
        const std::string text = write_snapshot(before);
        CAPTURE(text);
        const auto read = read_snapshot(text);
        REQUIRE(read);
        CHECK(read->run == before.run);
        CHECK(read->last_serial == before.last_serial);
        CHECK(read->is_shutting_down == before.is_shutting_down);
        REQUIRE(read->instances.size() == 1);
        const instance_snapshot& i = read->instances[0];
        CHECK(i.name == before.instances[0].name);
        CHECK(i.number == before.instances[0].number);
        CHECK(i.status == before.instances[0].status);
        CHECK(i.program.config == before.instances[0].program.config);
        CHECK(i.program.where == before.instances[0].program.where);
        CHECK(i.removed == before.instances[0].removed);
        REQUIRE(i.next_program.has_value() == before.instances[0].next_program.has_value());
        if (i.next_program) CHECK(i.next_program->config == before.instances[0].next_program->config);
        CHECK(write_snapshot(*read) == text);
    }
}

TEST_CASE("an empty snapshot is one", "[snapshot]")
{
    const auto read = read_snapshot(write_snapshot({}));
    REQUIRE(read);
    CHECK(read->instances.empty());
}

TEST_CASE("the examples that docs/snapshot.md names are snapshots", "[snapshot]")
{
    int count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(PROCCTL_SOURCE_DIR "/tests/fuzz/corpus/snapshot")) {
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        CAPTURE(entry.path().string());
        const auto read = read_snapshot(text);
        REQUIRE(read);
        CHECK(write_snapshot(*read) == text);
        ++count;
    }
    CHECK(count >= 4);
}

TEST_CASE("damaged text gives an error that says where", "[snapshot]")
{
    supervisor_snapshot one = random_snapshot(1);
    one.instances[0].status.state = sub_state::running;
    one.instances[0].status.main_pid = 4711;
    const std::string good = write_snapshot(one);
    const auto error_of = [](const std::string& text) {
        const auto read = read_snapshot(text);
        return read ? std::string("no error") : read.error().message();
    };
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(error_of(""), ContainsSubstring("cannot read the snapshot: "));
    CHECK_THAT(error_of("[]"), ContainsSubstring("it is no object"));
    CHECK_THAT(error_of("{}"), ContainsSubstring("'version' is missing"));
    CHECK_THAT(error_of(replaced(good, "\"version\":3", "\"version\":4")),
               ContainsSubstring("it has version 4"));
    CHECK_THAT(error_of(replaced(good, "4711", "\"4711\"")),
               ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "-1")), ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "47.5")), ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "4711", "99999999999")),
               ContainsSubstring("'instances[0].status.main_pid'"));
    CHECK_THAT(error_of(replaced(good, "\"running\"", "\"walking\"")),
               ContainsSubstring("'instances[0].status.state'"));
    CHECK_THAT(error_of(replaced(good, "\"exec_main\":{", "\"exec_main\":[{")),
               ContainsSubstring("cannot read"));
    CHECK_THAT(error_of(replaced(good, "\"oneshot\"", "\"idle\"")),
               ContainsSubstring("'instances[0].program.keys'"));
    CHECK_THAT(error_of(replaced(good, "\"removed\"", "\"moved\"")),
               ContainsSubstring("'instances[0].removed' is missing"));

    supervisor_snapshot two = one;
    two.instances.push_back(one.instances[0]);
    CHECK_THAT(error_of(write_snapshot(two)), ContainsSubstring("two instances named"));
    supervisor_snapshot stranger = one;
    stranger.instances[0].name = "stranger";
    CHECK_THAT(error_of(write_snapshot(stranger)), ContainsSubstring("does not belong to its program"));
    supervisor_snapshot beyond = one;
    beyond.instances[0].status.main_serial = 1;
    beyond.instances[0].status.main_index = 2;
    CHECK_THAT(error_of(write_snapshot(beyond)), ContainsSubstring("main_index"));
    beyond.instances[0].status.main_index = 1;
    beyond.instances[0].status.control_serial = 2;
    beyond.instances[0].status.control_command = exec_command::stop_post; // it has none
    CHECK_THAT(error_of(write_snapshot(beyond)), ContainsSubstring("control_index"));
}

TEST_CASE("what a run has written last is read back byte for byte", "[snapshot]")
{
    supervisor_snapshot one = random_snapshot(2);
    std::string& output = one.instances[0].status.last_run.output;
    const auto written_and_read = [&]() -> std::string {
        const auto read = read_snapshot(write_snapshot(one));
        return read ? read->instances[0].status.last_run.output : read.error().message();
    };
    output.clear();
    for (int byte = 0; byte < 256; ++byte)
        output += static_cast<char>(byte);
    CHECK(written_and_read() == output);
    output = std::string(64U << 10U, '\xfe');
    CHECK(written_and_read() == output);

    output = "grün";
    const std::string good = write_snapshot(one);
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(good, ContainsSubstring(R"("output":"grÃ¼n")"));
    const std::string too_long((64U << 10U) + 1, 'x');
    for (const std::string& wrong :
         std::vector<std::string>{R"("Ā")", R"("\u0100")", R"("€")", "7", "null", '"' + too_long + '"'}) {
        CAPTURE(wrong.substr(0, 20));
        const auto read = read_snapshot(replaced(good, R"("grÃ¼n")", wrong));
        REQUIRE_FALSE(read);
        CHECK_THAT(read.error().message(), ContainsSubstring("'instances[0].status.last_run.output' has"));
    }
}

TEST_CASE("text that ends too early, or has a byte changed, never crashes", "[snapshot]")
{
    const std::string good = write_snapshot(random_snapshot(3));
    std::mt19937 random(5);
    for (std::size_t n = 0; n < good.size(); ++n)
        CHECK_FALSE(read_snapshot(std::string_view(good).substr(0, n)));
    for (int i = 0; i < 5000; ++i) {
        std::string text = good;
        text[random() % text.size()] = static_cast<char>(random() % 256);
        if (const auto read = read_snapshot(text)) CHECK(read_snapshot(write_snapshot(*read)));
    }
}
