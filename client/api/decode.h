#pragma once

#include <nlohmann/json_fwd.hpp>

#include "client/api/error.h"
#include "client/api/types.h"

/// JSON of the server into plain values. Unknown keys are passed over, `null` is the same as absent; a value of the wrong
/// kind fails with `cannot unmarshal: …`.
namespace cobble::client {

Result<std::string> decode_text(const nlohmann::json& value);
Result<Names> decode_names(const nlohmann::json& value);
Result<Change> decode_change(const nlohmann::json& value);
Result<std::vector<Change>> decode_changes(const nlohmann::json& value);
Result<std::vector<ServiceInfo>> decode_services(const nlohmann::json& value);
Result<ReplanPreview> decode_replan(const nlohmann::json& value);
Result<std::vector<CheckInfo>> decode_checks(const nlohmann::json& value);
Result<RefreshedCheck> decode_refreshed_check(const nlohmann::json& value);
Result<Notice> decode_notice(const nlohmann::json& value);
Result<std::vector<Notice>> decode_notices(const nlohmann::json& value);
Result<std::map<std::string, Identity>> decode_identities(const nlohmann::json& value);
Result<std::vector<FileInfo>> decode_files(const nlohmann::json& value);

/// Reads single fields of objects and remembers whether one had the wrong kind.
class Decoder {
 public:
  /// `value` must outlive the decoder; anything but an object or null is a fault.
  explicit Decoder(const nlohmann::json& value);

  std::string text(const char* key);
  std::int64_t integer(const char* key);
  std::optional<std::int64_t> maybe_integer(const char* key);
  bool boolean(const char* key);
  std::optional<Time> time(const char* key);
  /// A duration as text; what cannot be read counts as zero.
  Nanoseconds duration(const char* key);
  Names names(const char* key);
  std::map<std::string, std::string> text_map(const char* key);
  /// The value under the key, or null.
  const nlohmann::json& at(const char* key) const;
  /// Takes over a fault found in a part of the object.
  void note(const std::string& fault) {
    if (fault_.empty()) fault_ = fault;
  }
  /// The first fault; empty if there was none.
  const std::string& fault() const { return fault_; }

 private:
  void wrong(const char* key, const char* wanted);

  const nlohmann::json* object_;
  std::string fault_;
};

}  // namespace cobble::client
