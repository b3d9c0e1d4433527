// A folder of its own for one test, removed at the end.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <stdlib.h>
#include <sys/stat.h>

namespace procctl::tests {

class scratch_folder {
public:
    scratch_folder() : path_((std::filesystem::temp_directory_path() / "procctl-test-XXXXXX").string())
    {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make " + path_);
        ::chmod(path_.c_str(), 0755);
    }
    ~scratch_folder() { std::filesystem::remove_all(path_); }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    // The path of a file in it.
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }
    // Makes a file, and returns its path.
    std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) const
    {
        const auto path = *this / name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }

private:
    std::string path_;
};

} // namespace procctl::tests
