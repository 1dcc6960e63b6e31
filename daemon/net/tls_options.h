#pragma once

#include <string>

namespace cobble::net {

/// What a TLS client uses instead of the usual; paths of PEM files that are read at each connection. Empty: not given.
struct TlsOptions {
  std::string ca_file;    ///< roots that are trusted instead of the system's
  std::string cert_file;  ///< shown when the server asks for a certificate; with those of its issuers behind it
  std::string key_file;   ///< its unencrypted key; empty: in `cert_file`

  bool empty() const { return ca_file.empty() && cert_file.empty() && key_file.empty(); }
  bool operator==(const TlsOptions&) const = default;
};

}  // namespace cobble::net
