#include <slidegate.h>

uint32_t none_in_b(void);

uint32_t none_in_b(void)
{
    return SLG_ENDPOINT_NONE;
}
