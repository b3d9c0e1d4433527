#include "daemon/prepare_streams.h"

namespace procctl {
namespace {

bool is_pipe(output_kind kind)
{
    return kind == output_kind::log || kind == output_kind::journal || kind == output_kind::syslog;
}

bool is_path(output_kind kind)
{
    return kind == output_kind::file || kind == output_kind::append || kind == output_kind::truncate;
}

stream_sink sink_of(output_kind kind)
{
    if (kind == output_kind::journal) return stream_sink::journal;
    if (kind == output_kind::syslog) return stream_sink::syslog;
    return stream_sink::file;
}

class preparation {
public:
    preparation(const instance& i, const identity& account, const identity* log_owner, const host_facts& host)
        : instance_(i), config_(i.program->config), account_(account), log_owner_(log_owner), host_(host)
    {
    }

    result<prepared_streams> run()
    {
        for (const auto step : {&preparation::prepare_input, &preparation::prepare_output,
                                &preparation::prepare_error, &preparation::share})
            if (auto done = (this->*step)(); !done) return done.error();
        return std::move(streams_);
    }

private:
    [[nodiscard]] result<std::string> expand(const char* key, std::string_view text) const
    {
        auto expanded = expand_path(instance_, account_, host_, text);
        if (!expanded) return make_error(std::string(key) + ": " + expanded.error().message());
        return expanded;
    }

    [[nodiscard]] result<std::string> expand_to_path(const char* key, std::string_view text) const
    {
        auto path = expand(key, text);
        if (path && !path->starts_with('/'))
            return make_error(std::string(key) + ": '" + *path + "' is not an absolute path, as '" +
                              std::string(text) + "' is expanded here");
        return path;
    }

    result<void> prepare_input()
    {
        streams_.in.kind = config_.standard_input.kind;
        if (streams_.in.kind == input_kind::file) {
            auto path = expand_to_path("standard_input", config_.standard_input.path);
            if (!path) return path.error();
            streams_.in.path = std::move(*path);
        } else if (streams_.in.kind == input_kind::data) {
            auto data = expand("standard_input_text", config_.standard_input_data);
            if (!data) return data.error();
            streams_.in_data = std::move(*data);
        }
        return {};
    }

    [[nodiscard]] result<output_choice> expand_choice(const char* key, const output_choice& choice) const
    {
        output_choice expanded{choice.kind, {}};
        if (!is_path(choice.kind)) return expanded;
        auto path = expand_to_path(key, choice.path);
        if (!path) return path.error();
        expanded.path = std::move(*path);
        return expanded;
    }

    result<void> prepare_output()
    {
        auto choice = expand_choice("standard_output", config_.standard_output);
        if (!choice) return choice.error();
        streams_.out_file = std::move(*choice);
        if (!is_pipe(streams_.out_file.kind)) return {};
        auto stream = make_stream(streams_.out_file.kind, "stdout");
        if (!stream) return stream.error();
        if (stream->sink == stream_sink::file) {
            auto path = own_log_path();
            if (!path) return path.error();
            stream->path = std::move(*path);
        }
        streams_.out = std::move(*stream);
        return {};
    }

    // Standard error that goes where standard output goes is a stream like it for now.
    result<void> prepare_error()
    {
        auto choice = expand_choice("standard_error", config_.standard_error);
        if (!choice) return choice.error();
        streams_.err_file = std::move(*choice);
        const bool is_inherited = streams_.err_file.kind == output_kind::inherit;
        const output_kind kind = is_inherited ? streams_.out_file.kind : streams_.err_file.kind;
        if (!is_pipe(kind)) return {};
        streams_.err_file.kind = kind;
        auto stream = make_stream(kind, "stderr");
        if (!stream) return stream.error();
        if (stream->sink == stream_sink::file) {
            const std::string& own = config_.log.stderr_path;
            auto path = is_inherited || own.empty() ? own_log_path() : expand_to_path("log", own);
            if (!path) return path.error();
            stream->path = std::move(*path);
        }
        streams_.err = std::move(*stream);
        return {};
    }

    // Whatever is the same for two descriptors is opened once: two descriptions of one file would write over
    // each other, each from its own offset.
    result<void> share()
    {
        output_choice& out = streams_.out_file;
        output_choice& err = streams_.err_file;
        if (out.kind == output_kind::inherit && streams_.in.kind != input_kind::file)
            out.kind = output_kind::null; // as in systemd: data is not for writing

        const bool is_one_file = streams_.out && streams_.err && streams_.out->sink == stream_sink::file &&
                                 streams_.err->sink == stream_sink::file &&
                                 streams_.out->format == log_format::raw &&
                                 streams_.out->path == streams_.err->path;
        if (is_one_file) {
            streams_.err.reset();
            streams_.shares_pipe = true;
            err = {output_kind::inherit, {}};
        }
        if (is_path(err.kind) && err == out) err = {output_kind::inherit, {}};
        if (err.kind == output_kind::inherit && out.kind == output_kind::null) err.kind = output_kind::null;
        return {};
    }

    [[nodiscard]] result<std::string> own_log_path() const
    {
        if (config_.log.path.empty()) return log_path_of(instance_, account_, host_);
        return expand_to_path("log", config_.log.path);
    }

    // All but the path of a file.
    [[nodiscard]] result<stream_settings> make_stream(output_kind kind, const char* name) const
    {
        stream_settings stream;
        stream.sink = sink_of(kind);
        stream.on_error = config_.on_log_error;
        stream.tail_size = config_.log.tail_size;
        stream.program = config_.name;
        stream.instance = instance_.name;
        stream.stream = name;
        auto identifier = expand("syslog_identifier", config_.syslog_identifier);
        if (!identifier) return identifier.error();
        stream.identifier = identifier->empty() ? config_.name : std::move(*identifier);
        stream.facility = static_cast<std::uint8_t>(config_.syslog_facility);
        stream.level = static_cast<std::uint8_t>(config_.syslog_level);
        stream.has_level_prefix = config_.syslog_level_prefix;
        if (stream.sink == stream_sink::journal) stream.path = journal_socket;
        if (stream.sink == stream_sink::syslog) stream.path = syslog_socket;
        if (stream.sink == stream_sink::file) add_file_settings(stream);
        return stream;
    }

    void add_file_settings(stream_settings& stream) const
    {
        const log_settings& log = config_.log;
        stream.max_size = log.max_size;
        stream.max_total_size = log.max_total_size;
        stream.max_age = log.max_age;
        stream.keep = log.keep;
        stream.mode = log.mode;
        stream.format = log.format;
        stream.timestamps = log.timestamps;
        if (log_owner_ == nullptr) return;
        if (!log.user.empty()) stream.uid = log_owner_->uid;
        stream.gid = log_owner_->gid;
    }

    const instance& instance_;
    const program_config& config_;
    const identity& account_;
    const identity* log_owner_;
    const host_facts& host_;
    prepared_streams streams_;
};

} // namespace

result<prepared_streams> prepare_streams(const instance& i, const identity& account,
                                         const identity* log_owner, const host_facts& host)
{
    return preparation(i, account, log_owner, host).run();
}

} // namespace procctl
