#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "daemon/base/time.h"

/// X.509 certificates of callers (contract 08, section 2.11): pure functions over DER and PEM text.
namespace cobble::access {

/// Reads the value of `cert.pem`: exactly one block, whatever its label, whose content is a certificate. Returns its DER; the
/// error is the contract's reason (section 2.8), such as `cert identity must include a PEM-encoded certificate`.
std::expected<std::string, std::string> certificate_from_pem(std::string_view text);

/// Whether a certificate may stand for a client at `now`: validity, extended key usage, critical extensions. The error is the
/// reason (`x509: certificate specifies an incompatible key usage` …).
std::expected<void, std::string> usable_as_client(std::string_view der, base::WallTime now);

}  // namespace cobble::access
