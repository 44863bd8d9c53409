#include <slidegate.hpp>

slidegate::Endpoint none_in_b();

slidegate::Endpoint none_in_b() { return slidegate::merchant_alone; }
