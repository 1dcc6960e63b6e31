#pragma once

#include <optional>
#include <string>
#include <string_view>

/// PEM text as identities and key files hold it (contract 08, sections 2.11 and 2.12): pure functions.
namespace cobble::access {

/// One block of a PEM text.
struct PemBlock {
  std::string label;      ///< such as `CERTIFICATE`
  std::string content;    ///< decoded
  std::string_view rest;  ///< what follows the END line and one line end; points into the text that was searched
};

/// Finds the first well-formed block of `text`. Its BEGIN line stands at the beginning of a line; other lines before it, and
/// headers inside it, are passed over.
std::optional<PemBlock> find_pem_block(std::string_view text);

/// A block with lines of 64 characters and a line end at its end.
std::string write_pem_block(std::string_view label, std::string_view content);

}  // namespace cobble::access
