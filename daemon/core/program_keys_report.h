// What is wrong with several keys together, reported at one of them.
#pragma once

#include "daemon/core/program_keys.h"

#include <string>
#include <string_view>

namespace procctl::keys {

// Reports at the key's position ("log.path": within the map of log), or the program's when it is not given.
// A text begins with the key that it is about.
class reporter {
public:
    // `given` and `file` are borrowed.
    reporter(const config_value& given, const std::string& file, diagnostics& out)
        : given_(given), errors_(out, file)
    {
    }

    void refuse(std::string_view key, std::string text) { errors_.report(place_of(key), std::move(text)); }
    void warn(std::string_view key, std::string text)
    {
        errors_.report(place_of(key), std::move(text), severity::warning);
    }
    // With any value, be it a wrong one: then that has been reported already.
    [[nodiscard]] bool is_given(std::string_view key) const;
    [[nodiscard]] bool says(std::string_view key, std::string_view text) const;

private:
    [[nodiscard]] const config_value& place_of(std::string_view key) const;

    const config_value& given_;
    key_errors errors_;
};

// Whether all instances of a program would open one file by that path.
[[nodiscard]] bool is_shared_by_instances(const program_config&, std::string_view path);
// Where output goes and where input comes from.
void check_streams(const program_config&, reporter&);

} // namespace procctl::keys
