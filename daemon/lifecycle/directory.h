#pragma once

#include <expected>
#include <string>

/// Making $PEBBLE fit to work in (contract 09, sections 3.1 to 3.3). Errors are the text after `cannot run daemon: `.
namespace cobble::lifecycle {

/// `--create-dirs`: makes the directory and its missing parents with mode 0700.
std::expected<void, std::string> create_directories(const std::string& path);

/// Whether `directory` could be made, as far as that can be told without doing it.
std::expected<void, std::string> check_creatable(const std::string& directory);

/// Whether `copy_once` would copy something; the error is what it would say before it begins.
std::expected<bool, std::string> wants_copy(const std::string& source, const std::string& directory);

/// PEBBLE_COPY_ONCE: copies `source` into `directory` when that is missing or empty (section 3.2).
std::expected<void, std::string> copy_once(const std::string& source, const std::string& directory);

/// Absolute, there, writable?
std::expected<void, std::string> check_directory(const std::string& path);

/// The kernel's boot id; when we are PID 1, or the kernel doesn't tell, a fresh random one (contract 03 section 3).
std::string boot_id();

}  // namespace cobble::lifecycle
