#include "daemon/output_streams.h"

#include <utility>

#include <errno.h>

namespace procctl {
namespace {

bool tells_pid(const std::optional<stream_settings>& s)
{
    return s && (s->sink != stream_sink::file || s->format != log_format::raw);
}

bool has_lines(const std::optional<stream_settings>& s)
{
    return tells_pid(s) || (s && s->timestamps != log_timestamps::none);
}

void keep_last(std::string& text, std::size_t most)
{
    if (text.size() > most) text.erase(0, text.size() - most);
}

} // namespace

// --- Pipes

result<void> output_streams::open(instance_id who, const std::optional<stream_settings>& out,
                                  const std::optional<stream_settings>& err, log_compression compress)
{
    instance_streams& mine = instances_[who];
    mine.tail_size = out ? out->tail_size : err ? err->tail_size : 0;
    mine.has_lines = has_lines(out) || has_lines(err);
    mine.tells_pid = tells_pid(out) || tells_pid(err);
    mine.share_a_file = out && err && out->sink == stream_sink::file && err->sink == stream_sink::file &&
                        out->path == err->path;
    if (auto changed = change(who, mine.out, out, compress); !changed) return changed;
    return change(who, mine.err, err, compress);
}

result<void> output_streams::change(instance_id who, stream_id& id,
                                    const std::optional<stream_settings>& wanted, log_compression compress)
{
    if (id != 0 && (!wanted || !output_.has_settings(id, *wanted))) close_stream(id);
    if (!wanted) return {};
    if (id == 0) {
        const auto opened = output_.open(*wanted);
        if (!opened) return opened.error();
        id = *opened;
    }
    owners_[id] = {who, compress};
    return {};
}

void output_streams::close_stream(stream_id& id)
{
    owners_.erase(id);
    output_.close(std::exchange(id, 0));
}

void output_streams::close(instance_id who)
{
    const auto found = instances_.find(who);
    if (found == instances_.end()) return;
    for (stream_id* const id : {&found->second.out, &found->second.err})
        if (*id != 0) close_stream(*id);
    instances_.erase(found);
    settled(who);
}

stream_id output_streams::stream_of(instance_id who, stream_id instance_streams::*which) const
{
    const auto found = instances_.find(who);
    return found == instances_.end() ? 0 : found->second.*which;
}

int output_streams::out(instance_id who) const
{
    const stream_id id = stream_of(who, &instance_streams::out);
    return id == 0 ? -1 : output_.write_end(id);
}

int output_streams::err(instance_id who) const
{
    const stream_id id = stream_of(who, &instance_streams::err);
    return id == 0 ? -1 : output_.write_end(id);
}

void output_streams::set_pid(instance_id who, pid_t pid)
{
    const auto found = instances_.find(who);
    if (found == instances_.end() || !found->second.tells_pid) return;
    for (const stream_id id : {found->second.out, found->second.err})
        if (id != 0) output_.set_pid(id, pid);
}

// --- The ends of runs

void output_streams::set_run(instance_id who, bool writes)
{
    const auto found = instances_.find(who);
    if (found == instances_.end() || !found->second.has_lines) return;
    for (const stream_id id : {found->second.out, found->second.err})
        if (id != 0) output_.set_run(id, writes);
}

void output_streams::process_begins(instance_id who) { set_run(who, true); }

void output_streams::process_failed(instance_id who) { set_run(who, false); }

void output_streams::process_ended(instance_id who, const invocation_id& run, bool was_last)
{
    const auto found = instances_.find(who);
    if (found == instances_.end()) return;
    if (was_last) set_run(who, false);
    instance_streams& mine = found->second;
    if (mine.run != run) {
        mine.run = run;
        mine.has_run_ended = false;
        mine.words.reset();
    }
    const stream_id out = mine.out;
    const stream_id err = mine.err;
    if (out != 0) finish(who, out, run, &last_words::out);
    if (err != 0) finish(who, err, run, &last_words::err);
}

void output_streams::finish(instance_id who, stream_id id, const invocation_id& run,
                            std::string last_words::*which)
{
    const auto mine = instances_.find(who);
    if (mine == instances_.end()) return; // closed by who heard of the other stream
    ++mine->second.on_their_way;
    output_.finish(
        id, {.settled =
                 [this, who] {
                     const auto found = instances_.find(who);
                     if (found != instances_.end() && --found->second.on_their_way == 0) settled(who);
                 },
             .tail = [this, who, run, which](std::string tail) { heard(who, run, which, std::move(tail)); }});
}

void output_streams::heard(instance_id who, const invocation_id& run, std::string last_words::*which,
                           std::string tail)
{
    const auto found = instances_.find(who);
    if (found == instances_.end() || found->second.run != run || tail.empty()) return;
    instance_streams& mine = found->second;
    if (!mine.words) mine.words = std::make_unique<last_words>();
    std::string& words = *mine.words.*which;
    words += tail;
    keep_last(words, mine.tail_size);
    if (mine.has_run_ended) tell(who, mine);
}

void output_streams::run_ended(instance_id who, const invocation_id& run)
{
    const auto found = instances_.find(who);
    if (found == instances_.end() || found->second.run != run) return;
    if (std::exchange(found->second.has_run_ended, true)) return;
    if (found->second.words) tell(who, found->second);
}

void output_streams::tell(instance_id who, instance_streams& mine)
{
    // Who reads the last words of a dead program looks for its complaint first.
    std::string words = mine.words->out;
    if (!words.empty() && words.back() != '\n' && !mine.words->err.empty()) words += '\n';
    words += mine.words->err;
    keep_last(words, mine.tail_size);
    handlers_.output_ended(who, {mine.run, std::move(words)});
}

// --- Waiting for them

void output_streams::when_settled(const std::vector<instance_id>& whom, std::function<void()> then)
{
    const auto waiting = std::make_shared<waiter>();
    for (const instance_id who : whom) {
        const auto found = instances_.find(who);
        if (found == instances_.end() || found->second.on_their_way == 0) continue;
        ++waiting->missing;
        waiters_.emplace(who, waiting);
    }
    if (waiting->missing == 0) return then();
    waiting->then = std::move(then);
}

void output_streams::settled(instance_id who)
{
    const auto [begin, end] = waiters_.equal_range(who);
    std::vector<std::shared_ptr<waiter>> told; // what they do may come back here
    for (auto w = begin; w != end; ++w)
        told.push_back(std::move(w->second));
    waiters_.erase(begin, end);
    for (const auto& one : told)
        if (--one->missing == 0) one->then();
}

// --- How they fare

stream_health output_streams::out_health(instance_id who) const
{
    const stream_id id = stream_of(who, &instance_streams::out);
    return id == 0 ? stream_health{} : output_.health(id);
}

stream_health output_streams::err_health(instance_id who) const
{
    const stream_id id = stream_of(who, &instance_streams::err);
    return id == 0 ? stream_health{} : output_.health(id);
}

void output_streams::rotate(instance_id who, std::function<void(int)> done)
{
    const stream_id out = stream_of(who, &instance_streams::out);
    const stream_id err = stream_of(who, &instance_streams::err);
    if (out == 0 && err == 0) return done(ENOENT);
    if (out == 0 || err == 0 || instances_.at(who).share_a_file)
        return output_.rotate(out != 0 ? out : err, std::move(done));
    output_.rotate(out, [this, err, done = std::move(done)](int first) {
        output_.rotate(err, [first, done](int second) { done(first != 0 ? first : second); });
    });
}

bool output_streams::is_in_same_trouble(stream_id id, std::string_view trouble) const
{
    const owner* const mine = owner_of(id);
    if (mine == nullptr) return false;
    const instance_streams& streams = instances_.at(mine->who);
    const stream_id other = streams.out == id ? streams.err : streams.out;
    return other != 0 && output_.health(other).trouble == trouble;
}

const output_streams::owner* output_streams::owner_of(stream_id id) const
{
    const auto found = owners_.find(id);
    return found == owners_.end() ? nullptr : &found->second;
}

} // namespace procctl
