#include <fstream>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include "tests/bench/yardstick.h"

namespace cobble::bench {

namespace {

/// Takes every event and does nothing.
class Nothing final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

void yaml_pass(const Arguments& arguments) {
  std::ifstream file(arguments[0]);
  std::stringstream text;
  text << file.rdbuf();
  const Meter meter;
  YAML::Parser parser(text);
  Nothing nothing;
  while (parser.HandleNextDocument(nothing)) {
  }
  meter.print();
}

}  // namespace cobble::bench
