#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/api/endpoint.h"

/// What the client takes from its environment (contract 10, section 2.2, and what is ours alone).
namespace cobble::client {

/// An environment variable, as the manual page tells of it.
struct Variable {
  std::string_view name;
  std::string_view help;
};

/// The variables of client and daemon, in the manual's order.
std::span<const Variable> environment_variables();

/// A variable that is set and not empty, or the other text.
std::string variable(const char* name, std::string_view otherwise = {});

/// `$PEBBLE`, or the default.
std::string pebble_directory();

/// The server that the environment names, with the credentials for it.
Result<Endpoint> endpoint_from_environment();

/// The folder of the client's own files: `$XDG_CONFIG_HOME/pebble`, or `~/.config/pebble`.
std::string config_folder();
/// The files of the certificate that the client shows unless told otherwise; `pebble pair` makes them.
std::string own_certificate_file();
std::string own_key_file();

/// Makes the folders above a file, with mode 0700; an empty text if they are there then.
std::string make_folders(const std::string& path);

}  // namespace cobble::client
