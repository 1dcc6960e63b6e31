#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "layers/decoder.h"
#include "layers/keys.h"

/// The tables by which mappings of a layer are read into structs (contract 01, section 2.2). For parse.cc.
namespace cobble::layers {

/// One key of a struct: how its value gets there, and whether two structs have the same one.
template <typename Entry>
struct Field {
  Key key;
  void (*read)(Decoder& decoder, const YamlNode& node, Entry& entry);
  bool (*same)(const Entry& a, const Entry& b);
};

/// The table of Service, Check, HttpCheck, TcpCheck, ExecCheck, LogTarget, LogTargetTls or Workload.
template <typename Entry>
std::span<const Field<Entry>> fields_of();

/// The sections of a layer, and its summary and description.
std::span<const Key> section_keys();

/// Whether nothing stands there, or a null.
bool is_null_node(const YamlNode& node);

/// Reads a mapping's fields by the table of its struct; unknown ones are errors of `type`.
template <typename Entry>
void read_fields(Decoder& decoder, const YamlNode& node, Entry& entry, std::string_view type) {
  const auto fields = decoder.fields(node, type);
  if (!fields) return;
  const auto table = fields_of<Entry>();
  for (const auto& [name, value] : *fields) {
    const auto field = std::ranges::find_if(table, [&](const Field<Entry>& candidate) { return candidate.key.name == name; });
    if (field == table.end()) {
      decoder.unknown_field(*value, name, type);
    } else {
      field->read(decoder, *value, entry);
    }
  }
}

}  // namespace cobble::layers
