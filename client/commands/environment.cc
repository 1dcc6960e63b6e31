#include "client/commands/environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "client/commands/local_file.h"
#include "client/commands/names.h"

namespace cobble::client {
namespace {

constexpr Variable variables[] = {
    {"PEBBLE", "The directory of layers, state and socket. Default: /var/lib/pebble/default."},
    {"PEBBLE_SOCKET", "The path of the server's socket. Default: .pebble.socket in that directory."},
    {"PEBBLE_BASEURL",
     "If set, the server is asked at this URL instead of at the socket: http://HOST:PORT or https://HOST:PORT."},
    {"PEBBLE_TLS_FINGERPRINT",
     "For https: the fingerprint of the server, which it logs at its start and pebble pair --open prints. Another server is "
     "refused. This or PEBBLE_TLS_CA must be given."},
    {"PEBBLE_TLS_CA",
     "For https: a PEM file of certificates, one of which must have signed the server's; for example the tls/identity.pem in the "
     "server's directory. Names in the server's certificate, if it has any, must fit the URL."},
    {"PEBBLE_TLS_CERT",
     "For https: a PEM file with the client's certificate. Default: pebble/client.crt beside cli.json, made by pebble pair."},
    {"PEBBLE_TLS_KEY", "For https: a PEM file with the key of that certificate. Default: the file of the certificate."},
    {"PEBBLE_BASIC_AUTH", "USER:PASSWORD, sent with each request to PEBBLE_BASEURL."},
    {"PEBBLE_BASIC_AUTH_FILE", "A file whose first line is USER:PASSWORD, instead of PEBBLE_BASIC_AUTH."},
    {"PEBBLE_STOP_TIMEOUT", "For the daemon: as --stop-timeout of run."},
    {"PEBBLE_DEBUG", "1: show debug messages on stderr."},
    {"NO_COLOR", "If set, the top command uses no colours."},
    {"XDG_CONFIG_HOME",
     "Where pebble/cli.json is kept, in which the client remembers the notices and warnings that it has shown, and the client's "
     "certificate. Default: .config in the home directory."},
};

/// The first line of the file, or what the other variable says.
Result<std::string> login_from_environment() {
  const std::string path = variable("PEBBLE_BASIC_AUTH_FILE");
  if (path.empty()) return variable("PEBBLE_BASIC_AUTH");
  const auto text = read_local_file(path);
  if (!text) return fail("cannot read PEBBLE_BASIC_AUTH_FILE: " + text.error().message);
  return text->substr(0, text->find_first_of("\r\n"));
}

Result<Credentials> credentials_from_environment() {
  Credentials credentials;
  credentials.fingerprint = variable("PEBBLE_TLS_FINGERPRINT");
  credentials.ca_file = variable("PEBBLE_TLS_CA");
  credentials.cert_file = variable("PEBBLE_TLS_CERT");
  credentials.key_file = variable("PEBBLE_TLS_KEY");
  if (credentials.cert_file.empty() && access(own_certificate_file().c_str(), F_OK) == 0) {
    credentials.cert_file = own_certificate_file();
    credentials.key_file = own_key_file();
  }
  auto login = login_from_environment();
  if (!login) return std::unexpected(login.error());
  if (!login->empty() && login->find(':') == std::string::npos) return fail("PEBBLE_BASIC_AUTH must have the form USER:PASSWORD");
  credentials.login = std::move(*login);
  return credentials;
}

}  // namespace

std::span<const Variable> environment_variables() {
  return variables;
}

std::string variable(const char* name, std::string_view otherwise) {
  const char* value = std::getenv(name);
  return value && *value != '\0' ? std::string(value) : std::string(otherwise);
}

std::string pebble_directory() {
  return variable("PEBBLE", default_directory);
}

Result<Endpoint> endpoint_from_environment() {
  const std::string in_directory = (std::filesystem::path(pebble_directory()) / ".pebble.socket").lexically_normal().string();
  std::string socket = variable("PEBBLE_SOCKET", in_directory);
  const std::string base_url = variable("PEBBLE_BASEURL");
  if (base_url.empty()) return make_endpoint(std::move(socket), {});
  auto credentials = credentials_from_environment();
  if (!credentials) return std::unexpected(credentials.error());
  return make_endpoint(std::move(socket), base_url, std::move(*credentials));
}

std::string config_folder() {
  return variable("XDG_CONFIG_HOME", variable("HOME") + "/.config") + "/pebble";
}

std::string own_certificate_file() {
  return config_folder() + "/client.crt";
}

std::string own_key_file() {
  return config_folder() + "/client.key";
}

std::string make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    struct stat info{};
    if (stat(folder.c_str(), &info) == 0) continue;
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return "mkdir " + folder + ": " + system_error_text(errno);
  }
  return {};
}

}  // namespace cobble::client
