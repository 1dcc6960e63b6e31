#include "daemon/access/pairing.h"

namespace cobble::access {

namespace {

constexpr int max_paired_users = 1000;

}  // namespace

void PairingWindow::set_mode(std::string_view mode) {
  if (mode == mode_) return;
  mode_ = mode;
  close();
}

std::expected<void, std::string> PairingWindow::open(base::SteadyTime end, std::string_view mode) {
  const std::string_view valid = mode_ == "disabled" || mode.empty() ? std::string_view(mode_) : mode;
  if (valid != "single" && valid != "multiple") return std::unexpected("cannot enable pairing with pairing mode disabled");
  if (valid == "single" && paired_) return std::unexpected("cannot enable pairing when already paired in 'single' pairing mode");
  end_ = end;
  return {};
}

std::expected<std::string, std::string> next_pairing_name(const Identities& identities) {
  for (int number = 1; number <= max_paired_users; ++number) {
    std::string name = "user-" + std::to_string(number);
    if (!identities.contains(name)) return name;
  }
  return std::unexpected("user allocation limit " + std::to_string(max_paired_users) + " reached");
}

}  // namespace cobble::access
