#pragma once

#include <nlohmann/json.hpp>

#include "client/api/error.h"
#include "client/api/types.h"

namespace cobble::client {

/// What every JSON reply is wrapped in (contract 03, section 2.7).
struct Envelope {
  std::string type;
  std::int64_t status_code = 0;
  std::string change;
  nlohmann::json result;
  std::optional<Time> latest_warning;
  std::optional<Maintenance> maintenance;
};

/// Reads a reply. One of type `error` is the server's error; one that is no envelope fails with `cannot decode "…": …`.
Result<Envelope> open_envelope(std::string_view body);

/// Judges the result of a request on one file: its error, if it has one, is the server's.
Result<void> check_file_result(const nlohmann::json& result);

}  // namespace cobble::client
