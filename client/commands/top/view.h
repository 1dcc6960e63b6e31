#pragma once

#include <string>

#include "client/commands/top/keys.h"
#include "client/commands/top/model.h"

namespace cobble::client::top {

/// The column by which services are ordered.
enum class Order { name, status, cpu, memory, restarts, uptime };
inline constexpr int order_count = 6;

/// What the person at the terminal wants to see.
class View {
 public:
  /// Acts on a key; `page`: how many lines of the log are shown.
  void press(Key key, std::size_t page);
  /// Takes over what the server told: rows get their order, the chosen service stays chosen, and a log that was scrolled back
  /// stays where it is.
  void take(Model model);
  /// Nothing new can be had, for this reason; what was there stays.
  void lose(std::string trouble) { model_.trouble = std::move(trouble); }

  const Model& model() const { return model_; }
  Order order() const { return order_; }
  bool reversed() const { return reversed_; }
  /// The chosen row; 0 if there are no services.
  std::size_t chosen() const { return chosen_; }
  /// The service whose log alone is wanted; empty: all.
  const std::string& log_of() const { return log_of_; }
  /// How many lines the log is scrolled back.
  std::size_t back() const { return back_; }
  bool quits() const { return quits_; }

 private:
  void arrange();

  Model model_;
  Order order_ = Order::name;
  bool reversed_ = false;
  std::size_t chosen_ = 0;
  std::string chosen_name_;
  std::string log_of_;
  std::size_t back_ = 0;
  bool quits_ = false;
};

}  // namespace cobble::client::top
