int confine_placeholder(void);
