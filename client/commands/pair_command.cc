#include <unistd.h>

#include "client/api/own_certificate.h"
#include "client/commands/context.h"
#include "client/commands/environment.h"
#include "client/commands/table_of_commands.h"
#include "layers/duration.h"

namespace cobble::client {
namespace {

constexpr std::string_view mode_choices[] = {"single", "multiple"};
constexpr Option pair_options[] = {
    {.long_name = "open", .help = "Open the server's window for pairing instead: for its admins."},
    {.long_name = "close", .help = "Close the server's window instead."},
    {.long_name = "duration", .help = "With --open: how long, at most 24h; 5m unless given", .takes = Takes::duration},
    {.long_name = "mode",
     .help = "With --open: whether there may be but one paired client, or several; as the plan says unless given",
     .takes = Takes::text,
     .choices = mode_choices},
};

Result<int> open_window(Context& context, const Arguments& arguments) {
  const auto window = context.client().open_pairing_window(arguments.duration("duration"), arguments.text("mode"));
  if (!window) return std::unexpected(window.error());
  const std::string until = window->closes ? " until " + format_time_seconds(*window->closes) : std::string();
  context.print("The window for pairing is open" + until + ".\n");
  if (window->fingerprint.empty()) {
    context.note("WARNING: The server has no HTTPS address, so that nobody can be paired: see 'pebble run --https'.\n");
    return 0;
  }
  context.print("The server listens on " + window->https_address + ". On the client that is to be paired:\n" +
                "  PEBBLE_BASEURL=https://HOST:PORT PEBBLE_TLS_FINGERPRINT=" + window->fingerprint + " pebble pair\n");
  return 0;
}

/// The certificate that the environment names or the client has; made if there is none.
Result<std::string> provide_certificate(Context& context) {
  const Credentials& given = context.client().endpoint().credentials;
  const std::string cert_file = given.cert_file.empty() ? own_certificate_file() : given.cert_file;
  const std::string key_file = given.cert_file.empty() ? own_key_file() : given.key_file.empty() ? cert_file : given.key_file;
  if (access(cert_file.c_str(), F_OK) != 0 && access(key_file.c_str(), F_OK) != 0) {
    if (const std::string fault = make_folders(cert_file); !fault.empty()) return fail(fault);
    if (const auto made = make_own_certificate(cert_file, key_file); !made) return std::unexpected(made.error());
    context.print("Made a certificate and its key: " + cert_file + (key_file == cert_file ? "" : ", " + key_file) + "\n");
  }
  context.client().set_certificate(cert_file, key_file);
  return cert_file;
}

Result<int> pair(Context& context, const Arguments& arguments) {
  if (arguments.given("open") && arguments.given("close")) return fail("cannot use --open and --close at the same time");
  if (!arguments.given("open") && (arguments.given("duration") || arguments.given("mode")))
    return fail("cannot use --duration or --mode without --open");
  if (arguments.given("open")) return open_window(context, arguments);
  if (arguments.given("close")) {
    const auto closed = context.client().close_pairing_window();
    if (!closed) return std::unexpected(closed.error());
    return 0;
  }
  const Endpoint& endpoint = context.client().endpoint();
  if (!endpoint.secure())
    return fail("cannot pair: set PEBBLE_BASEURL to the server's https:// address, see 'pebble pair --help'");
  if (!endpoint.credentials.verifies_server()) {
    const auto found = context.client().look_at_fingerprint();
    if (!found) return std::unexpected(found.error());
    return fail("cannot verify server: its fingerprint is " + *found +
                ". If that is what it logged at its start, set PEBBLE_TLS_FINGERPRINT to it.");
  }
  const auto certificate = provide_certificate(context);
  if (!certificate) return std::unexpected(certificate.error());
  const auto paired = context.client().pair();
  if (!paired) return std::unexpected(paired.error());
  context.print("Paired: " + *certificate + " is an admin's certificate now.\n");
  return 0;
}

}  // namespace

const Command pair_command{
    .name = "pair",
    .summary = "Make this client an admin of a server over the network",
    .description =
        "The pair command makes the certificate of this client one that a server takes for an admin's. The server must listen on "
        "an "
        "HTTPS address (run --https), and an admin of it opens a window for pairing first, on its socket:\n\n"
        "pebble pair --open --mode=single --duration=10m\n\n"
        "That prints the server's fingerprint, which the server also logs at its start. Then, on the client:\n\n"
        "PEBBLE_BASEURL=https://HOST:PORT PEBBLE_TLS_FINGERPRINT=FINGERPRINT pebble pair\n\n"
        "With these two variables set, all other commands work over HTTPS as well. Instead of the fingerprint, PEBBLE_TLS_CA may "
        "name a file with the server's certificate (tls/identity.pem in its directory). The client's certificate and its key are "
        "client.crt and client.key in ~/.config/pebble, made if they are not there, or the files that PEBBLE_TLS_CERT and "
        "PEBBLE_TLS_KEY name. The layer section 'pairing: {mode: single}' (or multiple, or disabled) sets the mode for good.",
    .category = Category::more,
    .options = pair_options,
    .run = pair,
};

}  // namespace cobble::client
